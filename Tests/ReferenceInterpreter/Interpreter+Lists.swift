import FluentSyntax

extension Interpreter {
    func performList(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        switch call.builtin {
        case .list: return .list(call.arguments)
        case .count:
            if case .string(let text) = call[0] { return .integer(Int64(text.units.count)) }
            return .integer(Int64(try call.elements(0).count))
        case .first: return try call.elements(0).first ?? .nil
        case .last: return try call.elements(0).last ?? .nil
        case .rest: return .list(Array(try call.elements(0).dropFirst()))
        case .nth: return try Self.nth(call)
        case .take: return .list(try Self.taking(call) { Array($1.prefix($0)) })
        case .drop: return .list(try Self.taking(call) { Array($1.dropFirst($0)) })
        case .concat: return .list(try Self.concatenated(call))
        case .append: return .list(try call.elements(0) + call.arguments.dropFirst())
        case .cons: return .list([call[0]] + (try call.elements(1)))
        case .reverse: return .list(try call.elements(0).reversed())
        case .sort: return .list(ReferenceValue.sorted(try call.elements(0)) { $0 })
        case .distinct: return .list(try Self.distinct(call, try call.elements(0)))
        case .range: return .list(try self.range(call))
        default: return .list(zip(try call.elements(0), try call.elements(1)).map { .list([$0, $1]) })
        }
    }

    private static func nth(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        let elements = try call.elements(0)
        let index = try call.integer(1)
        if let position = Int(exactly: index), elements.indices.contains(position) { return elements[position] }
        if call.count == 3 { return call[2] }
        throw call.error(.indexOutOfRange(operation: call.name, index: index, count: Int64(elements.count)))
    }

    private static func taking(
        _ call: BuiltinCall,
        _ part: (Int, [ReferenceValue]) -> [ReferenceValue]
    ) throws(EvaluationError) -> [ReferenceValue] {
        let count = try call.integer(0)
        let elements = try call.elements(1)
        return part(Int(min(max(count, 0), Int64(elements.count))), elements)
    }

    private static func concatenated(_ call: BuiltinCall) throws(EvaluationError) -> [ReferenceValue] {
        var all: [ReferenceValue] = []
        for index in call.arguments.indices { all += try call.elements(index) }
        return all
    }

    private func range(_ call: BuiltinCall) throws(EvaluationError) -> [ReferenceValue] {
        var numbers: [Int64] = []
        for index in call.arguments.indices { numbers.append(try call.integer(index)) }
        let start = numbers.count == 1 ? 0 : numbers[0]
        let end = numbers.count == 1 ? numbers[0] : numbers[1]
        let step = numbers.count == 3 ? numbers[2] : 1
        guard step != 0 else { throw call.invalid("the step is zero; give another one") }
        var values: [ReferenceValue] = []
        // stride(from:to:by:) stops before it would overflow.
        for number in stride(from: Int128(start), to: Int128(end), by: Int128.Stride(step)) {
            values.append(.integer(Int64(number)))
            guard values.count <= self.limits.elementLimit else {
                throw call.error(.memoryLimit(bytes: Int64(self.limits.elementLimit)))
            }
        }
        return values
    }
}
