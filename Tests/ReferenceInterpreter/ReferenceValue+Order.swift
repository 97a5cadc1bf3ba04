enum Ordering {
    case less
    case equal
    case greater

    var reversed: Ordering {
        switch self {
        case .less: .greater
        case .equal: .equal
        case .greater: .less
        }
    }

    init<Element: Comparable>(_ left: Element, _ right: Element) {
        self = left < right ? .less : left > right ? .greater : .equal
    }
}

extension ReferenceValue {
    /// The order of two numbers by value, without rounding; nil where one is NaN or no number.
    static func compareNumbers(_ left: ReferenceValue, _ right: ReferenceValue) -> Ordering? {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): Ordering(left, right)
        case (.float(let left), .float(let right)): left.isNaN || right.isNaN ? nil : Ordering(left, right)
        case (.integer(let left), .float(let right)): Self.compare(left, right)
        case (.float(let left), .integer(let right)): Self.compare(right, left)?.reversed
        default: nil
        }
    }

    private static func compare(_ integer: Int64, _ float: Double) -> Ordering? {
        if float.isNaN { return nil }
        let below = float.rounded(.down)
        // 2⁶³ and beyond, where no Int64 is.
        guard below < 0x1p63 else { return .less }
        guard below >= -0x1p63 else { return .greater }
        let whole = Int64(below)
        return integer == whole && float > below ? .less : Ordering(integer, whole)
    }

    /// The order of `sort`: by type, then by value; types without an order are equal among themselves.
    static func compareForSorting(_ left: ReferenceValue, _ right: ReferenceValue) -> Ordering {
        guard left.typeRank == right.typeRank else { return Ordering(left.typeRank, right.typeRank) }
        switch (left, right) {
        case (.boolean(let left), .boolean(let right)):
            return Ordering(left ? 1 : 0, right ? 1 : 0)
        case (.integer, _), (.float, _):
            return Self.compareNumbers(left, right) ?? Ordering(left.isNaN ? 1 : 0, right.isNaN ? 1 : 0)
        case (.list(let left), .list(let right)):
            return Self.compareLists(left, right)
        case (.map, .map), (.set, .set):
            return Self.compareLists(
                Self.sorted(left.elements ?? []) { $0 },
                Self.sorted(right.elements ?? []) { $0 }
            )
        default:
            guard let left = left.text, let right = right.text else { return .equal }
            return Self.compareTexts(left, right)
        }
    }

    /// Element by element; where one list is the beginning of the other, the shorter comes first.
    private static func compareLists(_ left: [ReferenceValue], _ right: [ReferenceValue]) -> Ordering {
        for (first, second) in zip(left, right) {
            let order = Self.compareForSorting(first, second)
            if order != .equal { return order }
        }
        return Ordering(left.count, right.count)
    }

    static func compareTexts(_ left: Text, _ right: Text) -> Ordering {
        if left == right { return .equal }
        return left.bytes.lexicographicallyPrecedes(right.bytes) ? .less : .greater
    }

    /// Sorted stably.
    static func sorted<Element>(_ elements: [Element], by key: (Element) -> ReferenceValue) -> [Element] {
        let keyed = elements.enumerated().map { (index: $0.offset, key: key($0.element), element: $0.element) }
        let ordered = keyed.sorted { left, right in
            switch Self.compareForSorting(left.key, right.key) {
            case .less: true
            case .greater: false
            case .equal: left.index < right.index
            }
        }
        return ordered.map(\.element)
    }

    var isNaN: Bool {
        if case .float(let number) = self { number.isNaN } else { false }
    }

    /// The text of a string, a keyword or a symbol.
    var text: Text? {
        switch self {
        case .string(let text), .keyword(let text), .symbol(let text): text
        default: nil
        }
    }

    private var typeRank: Int {
        switch self {
        case .nil: 0
        case .boolean: 1
        case .integer, .float: 2
        case .string, .keyword: 3
        case .symbol: 4
        case .list: 5
        case .map: 6
        case .set: 7
        case .function, .builtin, .regex: 8
        }
    }
}
