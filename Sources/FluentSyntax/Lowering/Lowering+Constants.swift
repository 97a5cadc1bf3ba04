extension Lowering {
    mutating func lowerVector(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        let elements = items.map { self.lower($0) }
        let constants = elements.compactMap(\.constant)
        guard constants.count == elements.count else { return Expression(.list(elements), range: range) }
        return Expression(.constant(.list(constants)), range: range)
    }

    mutating func lowerMap(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        var entries: [MapEntry] = []
        for index in stride(from: 0, to: items.count - 1, by: 2) {
            entries.append(MapEntry(self.lower(items[index]), self.lower(items[index + 1])))
        }
        var seen: Set<Constant> = []
        for entry in entries {
            guard let key = entry.key.constant else { continue }
            self.noteKey(key, seen: &seen, at: entry.key.range)
        }
        let constants = entries.compactMap { entry -> ConstantEntry? in
            guard let key = entry.key.constant, let value = entry.value.constant, key.canBeKey else { return nil }
            return ConstantEntry(key.asKey, value)
        }
        guard constants.count == entries.count else { return Expression(.map(entries), range: range) }
        return Expression(.constant(.map(constants)), range: range)
    }

    /// Quoted data.
    mutating func constant(_ node: SyntaxNode) -> Constant {
        switch node.kind {
        case .nil: return .nil
        case .boolean(let value): return .boolean(value)
        case .integer(let value): return .integer(value)
        case .float(let value): return .float(value)
        case .string(let text): return .string(Array(text.utf8))
        case .regex(let pattern): return self.regex(pattern, at: node.range)
        case .keyword(let name): return .keyword(name)
        case .symbol(let name): return .symbol(name)
        case .list(let items), .vector(let items): return .list(items.map { self.constant($0) })
        case .quote(let inner): return .list([.symbol("quote"), self.constant(inner)])
        case .map(let items): return .map(self.constantEntries(items))
        }
    }

    private mutating func constantEntries(_ items: [SyntaxNode]) -> [ConstantEntry] {
        var entries: [ConstantEntry] = []
        var seen: Set<Constant> = []
        for index in stride(from: 0, to: items.count - 1, by: 2) {
            let key = self.constant(items[index])
            self.noteKey(key, seen: &seen, at: items[index].range)
            entries.append(ConstantEntry(key.asKey, self.constant(items[index + 1])))
        }
        return entries
    }

    /// Reports a key that a literal has twice.
    private mutating func noteKey(_ key: Constant, seen: inout Set<Constant>, at range: SourceRange) {
        guard !seen.insert(key.asComparedKey).inserted else { return }
        self.diagnostics.error(
            "duplicate-key",
            "this key is in the map already",
            help: "a keyword and the string of the same text are one key, and so are 1 and 1.0",
            at: range
        )
    }
}

extension Expression {
    /// The value, if it is written out.
    var constant: Constant? {
        if case .constant(let constant) = self.kind { constant } else { nil }
    }
}

extension Constant {
    /// Functions can't be, which is an error when the map is built.
    fileprivate var canBeKey: Bool {
        switch self {
        case .builtin, .function, .connector: false
        case .list(let elements), .set(let elements): elements.allSatisfy(\.canBeKey)
        case .map(let entries): entries.allSatisfy { $0.key.canBeKey && $0.value.canBeKey }
        case .nil, .boolean, .integer, .float, .string, .symbol, .keyword, .regex: true
        }
    }

    /// As it is stored as a map key: integral floats are integers, `-0.0` is 0.
    var asKey: Constant {
        switch self {
        case .float(let value): Int64(exactly: value).map { .integer($0) } ?? self
        case .list(let elements): .list(elements.map(\.asKey))
        case .map(let entries): .map(entries.map { ConstantEntry($0.key.asKey, $0.value.asKey) })
        case .set(let elements): .set(elements.map(\.asKey))
        case .nil, .boolean, .integer, .string, .symbol, .keyword, .regex, .builtin, .function, .connector: self
        }
    }

    /// Two constants have equal ones if `=` takes them for equal.
    var asComparedKey: Constant {
        switch self {
        case .float, .nil, .boolean, .integer, .string, .symbol, .regex, .builtin, .function, .connector: self.asKey
        case .keyword(let name): .string(Array(name.utf8))
        case .list(let elements): .list(elements.map(\.asComparedKey))
        case .map(let entries): .map(entries.map { ConstantEntry($0.key.asComparedKey, $0.value.asComparedKey) })
        case .set(let elements): .set(elements.map(\.asComparedKey))
        }
    }
}
