package import Engine
package import FluentSyntax

/// Takes what a machine emits, as values that outlive it, and answers like a world without events.
package struct CollectingHost: MachineHost {
    package private(set) var emitted: [ReferenceEntry] = []

    package init() {}

    package mutating func forget() {
        self.emitted = []
    }

    package mutating func emit(key: Value, value: Value) throws(EvaluationError) {
        let range = GeneratedProgram.callRange
        let key = try ReferenceValue.copied(key, at: range)
        self.emitted.append(ReferenceEntry(key, try ReferenceValue.copied(value, at: range)))
    }

    package mutating func next(of stream: Int, in arena: inout Arena) throws(EvaluationError) -> Value? { nil }

    package mutating func rewind(_ stream: Int) throws(EvaluationError) {}

    package mutating func perform(
        _ builtin: Builtin,
        _ arguments: UnsafeBufferPointer<Value>,
        at range: SourceRange,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        switch builtin {
        case .now: return Value(Int64(0))
        case .uuid: return arena.makeText(.string, utf8: Interpreter.World().uuid) ?? .nil
        case .param where arguments.count == 2: return unsafe arguments[1]
        default: return .nil
        }
    }
}

extension ReferenceValue {
    /// Values that hold another twice, again and again, would be copied for ever.
    private static let copiedElementLimit = 1_000_000

    /// A copy of a machine's value; one that is too large counts as one that hit a limit.
    static func copied(_ value: Value, at range: SourceRange) throws(EvaluationError) -> ReferenceValue {
        var left = Self.copiedElementLimit
        let copy = ReferenceValue(value, &left)
        guard left >= 0 else { throw EvaluationError(.memoryLimit(bytes: Int64(Self.copiedElementLimit)), at: range) }
        return copy
    }

    /// Below zero `left` says that elements were left out.
    private init(_ value: Value, _ left: inout Int) {
        left -= 1
        guard left >= 0 else {
            self = .nil
            return
        }
        switch value.tag {
        case .nil: self = .nil
        case .boolean: self = .boolean(value.bits != 0)
        case .integer: self = .integer(value.integer)
        case .float: self = .float(value.float)
        case .string: self = .string(Text(copying: value))
        case .symbol: self = .symbol(Text(copying: value))
        case .keyword: self = .keyword(Text(copying: value))
        case .list: self = .list(Self.copied(value.elements, &left))
        case .set: self = .set(Self.copied(value.elements, &left))
        case .map:
            let pairs = Self.copied(value.pairs, &left)
            let indexes = stride(from: 0, to: pairs.count - 1, by: 2)
            self = .map(indexes.map { ReferenceEntry(pairs[$0], pairs[$0 + 1]) })
        // Functions and handles only compare with themselves: their kind is all there is to see.
        case .function, .builtin, .handle, .stream: self = .builtin(.list)
        case .regex: self = .regex(value.pattern)
        }
    }

    private static func copied(_ elements: Elements, _ left: inout Int) -> [ReferenceValue] {
        var copies: [ReferenceValue] = []
        for index in 0..<elements.count where left >= 0 { copies.append(ReferenceValue(elements[index], &left)) }
        return copies
    }
}

extension Value {
    /// The text of a regex, which only printing shows outside of the engine.
    fileprivate var pattern: String {
        var text = ValueText()
        var buffer = ByteBuffer()
        guard (try? text.append(self, to: &buffer)) != nil else { return "" }
        let printed = (0..<buffer.count).map { buffer.slice(0, buffer.count)[$0] }
        return String(decoding: printed.dropFirst(2).dropLast(), as: UTF8.self).replacing("\\\"", with: "\"")
    }
}

extension Text {
    fileprivate init(copying value: Value) {
        let text = value.text
        self.init(bytes: (0..<text.count).map { text[$0] })
    }
}
