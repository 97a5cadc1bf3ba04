/// The two relations of the language: `=`, and being the same key.
enum Sameness {
    /// As `=` tells: NaN isn't even itself.
    case value
    /// As maps, sets and groups tell: NaN is itself.
    case key
}

extension ReferenceValue {
    func isSame(as other: ReferenceValue, _ sameness: Sameness) -> Bool {
        switch (self, other) {
        case (.nil, .nil): return true
        case (.boolean(let left), .boolean(let right)): return left == right
        case (.integer, _), (.float, _): return self.isSameNumber(as: other, sameness)
        case (.string(let left), .string(let right)), (.keyword(let left), .keyword(let right)),
            (.string(let left), .keyword(let right)), (.keyword(let left), .string(let right)),
            (.symbol(let left), .symbol(let right)):
            return left == right
        case (.list(let left), .list(let right)):
            return left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1, sameness) }
        case (.map(let left), .map(let right)):
            return left.count == right.count
                && left.allSatisfy { entry in
                    right.contains { entry.key.isSame(as: $0.key, .key) && entry.value.isSame(as: $0.value, sameness) }
                }
        case (.set(let left), .set(let right)):
            return left.count == right.count
                && left.allSatisfy { element in right.contains { element.isSame(as: $0, .key) } }
        case (.function(let left), .function(let right)): return left === right
        case (.builtin(let left), .builtin(let right)): return left == right
        case (.regex(let left), .regex(let right)): return left == right
        default: return false
        }
    }

    private func isSameNumber(as other: ReferenceValue, _ sameness: Sameness) -> Bool {
        if sameness == .key, case .float(let left) = self, case .float(let right) = other, left.isNaN, right.isNaN {
            return true
        }
        return Self.compareNumbers(self, other) == .equal
    }

    /// The value as it is stored as a key: floats that are integers become integers, inside collections too.
    package var normalisedAsKey: ReferenceValue {
        switch self {
        case .float(let number): Int64(exactly: number).map { .integer($0) } ?? self
        case .list(let elements): .list(elements.map(\.normalisedAsKey))
        case .set(let elements): .set(elements.map(\.normalisedAsKey))
        case .map(let entries): .map(entries.map { ReferenceEntry($0.key, $0.value.normalisedAsKey) })
        default: self
        }
    }

    /// Functions have no place in a key, however deep.
    var containsFunction: Bool {
        switch self {
        case .function, .builtin: true
        case .list(let elements), .set(let elements): elements.contains(where: \.containsFunction)
        case .map(let entries): entries.contains { $0.key.containsFunction || $0.value.containsFunction }
        default: false
        }
    }
}
