import FluentSyntax

/// One call of a builtin: its arguments with the checks that all builtins share.
///
/// A builtin reads its arguments from left to right before it computes anything, so that the first one of a wrong
/// type is the one that is reported.
struct BuiltinCall {
    let builtin: Builtin
    let arguments: [ReferenceValue]
    let range: SourceRange

    var count: Int { self.arguments.count }
    var name: String { self.builtin.name }

    subscript(_ index: Int) -> ReferenceValue { self.arguments[index] }

    func error(_ code: EvaluationError.Code) -> EvaluationError {
        EvaluationError(code, at: self.range)
    }

    func mismatch(_ expected: String, _ found: ReferenceValue) -> EvaluationError {
        self.error(.typeMismatch(operation: self.name, expected: expected, found: found.typeName))
    }

    func overflow() -> EvaluationError { self.error(.integerOverflow(operation: self.name)) }

    func invalid(_ reason: String) -> EvaluationError {
        self.error(.invalidArgument(operation: self.name, reason: reason))
    }

    func integer(_ index: Int) throws(EvaluationError) -> Int64 {
        guard case .integer(let integer) = self[index] else { throw self.mismatch(TypeName.integer, self[index]) }
        return integer
    }

    func number(_ value: ReferenceValue) throws(EvaluationError) -> Number {
        switch value {
        case .integer(let integer): .integer(integer)
        case .float(let float): .float(float)
        default: throw self.mismatch(TypeName.number, value)
        }
    }

    func numbers(_ values: [ReferenceValue]) throws(EvaluationError) -> [Number] {
        var numbers: [Number] = []
        for value in values { numbers.append(try self.number(value)) }
        return numbers
    }

    func text(_ index: Int) throws(EvaluationError) -> Text {
        guard case .string(let text) = self[index] else { throw self.mismatch(TypeName.string, self[index]) }
        return text
    }

    func elements(_ index: Int) throws(EvaluationError) -> [ReferenceValue] {
        guard let elements = self[index].elements else { throw self.mismatch(TypeName.sequence, self[index]) }
        return elements
    }

    /// The entries of a map; nil is the empty map.
    func entries(_ index: Int) throws(EvaluationError) -> [ReferenceEntry] {
        switch self[index] {
        case .nil: return []
        case .map(let entries): return entries
        default: throw self.mismatch(TypeName.map, self[index])
        }
    }

    func callable(_ index: Int) throws(EvaluationError) -> ReferenceValue {
        switch self[index] {
        case .function, .builtin, .keyword: return self[index]
        default: throw self.mismatch(TypeName.function, self[index])
        }
    }

    /// A value that may be a key: anything without functions.
    func key(_ value: ReferenceValue) throws(EvaluationError) -> ReferenceValue {
        guard !value.containsFunction else {
            throw self.error(
                .typeMismatch(operation: self.name, expected: "a key", found: TypeName.function)
            )
        }
        return value
    }

    /// Numbers or strings that can be compared with each other: the first decides which.
    func comparables(_ values: [ReferenceValue]) throws(EvaluationError) -> [ReferenceValue] {
        guard let first = values.first else { return [] }
        if case .string = first {
            for value in values {
                guard case .string = value else { throw self.mismatch(TypeName.string, value) }
            }
        } else {
            _ = try self.numbers(values)
        }
        return values
    }
}

enum Number {
    case integer(Int64)
    case float(Double)

    var value: ReferenceValue {
        switch self {
        case .integer(let integer): .integer(integer)
        case .float(let float): .float(float)
        }
    }

    var double: Double {
        switch self {
        case .integer(let integer): Double(integer)
        case .float(let float): float
        }
    }
}
