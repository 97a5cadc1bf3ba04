internal import FluentSyntax

extension Constant {
    /// What a value is outside of any machine; nil for functions and others that can't travel.
    init?(_ value: Value) {
        switch value.tag {
        case .nil: self = .nil
        case .boolean: self = .boolean(value.bits != 0)
        case .integer: self = .integer(value.integer)
        case .float: self = .float(value.float)
        case .string: self = .string(value.text.array)
        case .symbol: self = .symbol(value.text.string)
        case .keyword: self = .keyword(value.text.string)
        case .list, .set:
            guard let elements = Self.constants(value.elements) else { return nil }
            self = value.has(.list) ? .list(elements) : .set(elements)
        case .map:
            guard let pairs = Self.constants(value.pairs) else { return nil }
            self = .map(stride(from: 0, to: pairs.count, by: 2).map { ConstantEntry(pairs[$0], pairs[$0 + 1]) })
        case .function, .regex, .builtin, .stream, .handle: return nil
        }
    }

    private static func constants(_ elements: Elements) -> [Constant]? {
        var constants: [Constant] = []
        for index in 0..<elements.count {
            guard let constant = Constant(elements[index]) else { return nil }
            constants.append(constant)
        }
        return constants
    }
}

extension Arena {
    /// The value that a constant is; nil where there is no room, or it is a function, regex or connector.
    mutating func makeValue(_ constant: Constant) -> Value? {
        switch constant {
        case .nil: return .nil
        case .boolean(let value): return Value(value)
        case .integer(let value): return Value(value)
        case .float(let value): return Value(value)
        case .string(let bytes): return self.makeText(.string, utf8: String(decoding: bytes, as: UTF8.self))
        case .symbol(let name): return self.makeText(.symbol, utf8: name)
        case .keyword(let name): return self.makeText(.keyword, utf8: name)
        case .list(let elements): return self.makeValues(elements).map { Value(.list, of: $0) }
        case .set(let elements): return self.makeValues(elements).map { Value(.set, of: $0) }
        case .map(let entries):
            return self.makeValues(entries.flatMap { [$0.key, $0.value] }).map { Value(.map, of: $0) }
        case .regex, .builtin, .function, .connector: return nil
        }
    }

    private mutating func makeValues(_ constants: [Constant]) -> Elements? {
        guard let elements = self.makeElements(constants.count) else { return nil }
        for (index, constant) in constants.enumerated() {
            guard let value = self.makeValue(constant) else { return nil }
            elements[index] = value
        }
        return elements
    }
}
