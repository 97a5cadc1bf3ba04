import FluentSyntax

extension Interpreter {
    func performMap(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        switch call.builtin {
        case .get:
            let missing = call.count == 3 ? call[2] : .nil
            return try Self.lookUp(call[1], in: call[0], call) ?? missing
        case .getIn: return try Self.getIn(call)
        case .assoc: return .map(try Self.assoc(call))
        case .dissoc:
            let removed = call.arguments.dropFirst()
            let entries = try call.entries(0)
            return .map(entries.filter { entry in !removed.contains { $0.isSame(as: entry.key, .key) } })
        case .update: return .map(try self.update(call))
        case .keys: return .list(try call.entries(0).map(\.key))
        case .vals: return .list(try call.entries(0).map(\.value))
        case .merge: return .map(try Self.merge(call))
        case .set: return .set(try Self.inserting(call.count == 0 ? [] : try call.elements(0), into: [], call))
        default: return try Self.conj(call)
        }
    }

    /// What is stored at a key; nil when nothing is.
    private static func lookUp(
        _ key: ReferenceValue,
        in container: ReferenceValue,
        _ call: BuiltinCall
    ) throws(EvaluationError) -> ReferenceValue? {
        switch container {
        case .nil: return nil
        case .map(let entries): return entries[key]
        case .set(let elements): return elements.first { $0.isSame(as: key, .key) }
        case .list(let elements):
            guard case .integer(let index) = key, let position = Int(exactly: index) else { return nil }
            return elements.indices.contains(position) ? elements[position] : nil
        default: throw call.mismatch(TypeName.map, container)
        }
    }

    private static func getIn(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        var current = call[0]
        for key in try call.elements(1) {
            guard let next = try Self.lookUp(key, in: current, call) else { return call.count == 3 ? call[2] : .nil }
            current = next
        }
        return current
    }

    private static func assoc(_ call: BuiltinCall) throws(EvaluationError) -> [ReferenceEntry] {
        var entries = try call.entries(0)
        guard call.count % 2 == 1 else { throw call.invalid("the last key has no value") }
        let keys = stride(from: 1, to: call.count, by: 2)
        for index in keys { _ = try call.key(call[index]) }
        for index in keys { entries.store(call[index + 1], at: call[index]) }
        return entries
    }

    private func update(_ call: BuiltinCall) throws(EvaluationError) -> [ReferenceEntry] {
        var entries = try call.entries(0)
        let key = try call.key(call[1])
        let function = try call.callable(2)
        let arguments = [entries[key] ?? .nil] + call.arguments.dropFirst(3)
        entries.store(try self.apply(function, arguments, at: call.range), at: key)
        return entries
    }

    private static func merge(_ call: BuiltinCall) throws(EvaluationError) -> [ReferenceEntry] {
        var merged: [ReferenceEntry] = []
        for index in call.arguments.indices {
            for entry in try call.entries(index) { merged.store(entry.value, at: entry.key) }
        }
        return merged
    }

    private static func inserting(
        _ values: some Sequence<ReferenceValue>,
        into elements: [ReferenceValue],
        _ call: BuiltinCall
    ) throws(EvaluationError) -> [ReferenceValue] {
        var elements = elements
        for value in values {
            let key = try call.key(value).normalisedAsKey
            if !elements.contains(where: { $0.isSame(as: key, .key) }) { elements.append(key) }
        }
        return elements
    }

    private static func conj(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        let added = call.arguments.dropFirst()
        switch call[0] {
        case .nil: return .list(Array(added))
        case .list(let elements): return .list(elements + added)
        case .set(let elements): return .set(try Self.inserting(added, into: elements, call))
        case .map(var entries):
            for value in added {
                guard case .list(let pair) = value else { throw call.mismatch(TypeName.list, value) }
                guard pair.count == 2 else { throw call.invalid("an entry is [key value]") }
                entries.store(pair[1], at: try call.key(pair[0]))
            }
            return .map(entries)
        default: throw call.mismatch(TypeName.sequence, call[0])
        }
    }
}
