import FluentSyntax

extension Interpreter {
    func performHigherOrder(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        let function = try call.callable(0)
        switch call.builtin {
        case .map: return .list(try self.results(function, try call.elements(1), call))
        case .filter: return .list(try self.filter(function, try call.elements(1), call))
        case .reduce, .fold: return try self.reduce(function, call)
        case .flatMap: return .list(try self.flatMap(function, try call.elements(1), call))
        case .sortBy:
            let elements = try call.elements(1)
            let keys = try self.results(function, elements, call)
            return .list(ReferenceValue.sorted(Array(zip(elements, keys)), by: \.1).map(\.0))
        case .groupBy: return try self.groupBy(function, try call.elements(1), call)
        case .any: return .boolean(try self.firstIndex(function, try call.elements(1), call, where: true) != nil)
        case .all: return .boolean(try self.firstIndex(function, try call.elements(1), call, where: false) == nil)
        case .forEachCall:
            _ = try self.results(function, try call.elements(1), call)
            return .nil
        default: return try self.apply(function, try call.elements(1), at: call.range)
        }
    }

    private func results(
        _ function: ReferenceValue,
        _ elements: [ReferenceValue],
        _ call: BuiltinCall
    ) throws(EvaluationError) -> [ReferenceValue] {
        var results: [ReferenceValue] = []
        for element in elements { results.append(try self.apply(function, [element], at: call.range)) }
        return results
    }

    private func filter(
        _ function: ReferenceValue,
        _ elements: [ReferenceValue],
        _ call: BuiltinCall
    ) throws(EvaluationError) -> [ReferenceValue] {
        var kept: [ReferenceValue] = []
        for element in elements where try self.apply(function, [element], at: call.range).isTrue {
            kept.append(element)
        }
        return kept
    }

    private func reduce(_ function: ReferenceValue, _ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        var elements = try call.elements(call.count - 1)[...]
        guard var result = call.count == 3 ? call[1] : elements.popFirst() else { return .nil }
        for element in elements { result = try self.apply(function, [result, element], at: call.range) }
        return result
    }

    private func flatMap(
        _ function: ReferenceValue,
        _ elements: [ReferenceValue],
        _ call: BuiltinCall
    ) throws(EvaluationError) -> [ReferenceValue] {
        var all: [ReferenceValue] = []
        for element in elements {
            let result = try self.apply(function, [element], at: call.range)
            guard let inner = result.elements else { throw call.mismatch(TypeName.sequence, result) }
            all += inner
        }
        return all
    }

    private func groupBy(
        _ function: ReferenceValue,
        _ elements: [ReferenceValue],
        _ call: BuiltinCall
    ) throws(EvaluationError) -> ReferenceValue {
        var groups: [ReferenceEntry] = []
        for element in elements {
            let key = try call.key(try self.apply(function, [element], at: call.range))
            let members = groups[key]?.elements ?? []
            groups.store(.list(members + [element]), at: key)
        }
        return .map(groups)
    }

    private func firstIndex(
        _ function: ReferenceValue,
        _ elements: [ReferenceValue],
        _ call: BuiltinCall,
        where wanted: Bool
    ) throws(EvaluationError) -> Int? {
        for (index, element) in elements.enumerated()
        where try self.apply(function, [element], at: call.range).isTrue == wanted {
            return index
        }
        return nil
    }
}
