import FluentSyntax

/// What is known about a value before anything runs.
enum StaticType: Hashable {
    case string
    case integer
    case boolean
    /// A list whose elements are strings.
    case strings
    case unknown
}

/// Finds types of expressions that certainly don't fail.
///
/// Overflow isn't considered: sizes of what fits into memory add up to less than 64 bits.
struct StaticTyping {
    var types: [Variable: StaticType] = [:]

    /// Those that a field can be read of without failing: maps, lists, sets and nil.
    var collections: Set<Variable> = []

    /// - Returns: The type of the value, or nil where evaluating it might fail, have effects or not end.
    func type(of expression: Expression) -> StaticType? {
        switch expression.kind {
        case .constant(let constant): Self.type(of: constant)
        case .variable(let variable): self.types[variable] ?? .unknown
        case .lambda: .unknown
        case .if(let condition, let then, let otherwise): self.common([condition, then, otherwise], from: 1)
        case .and(let terms), .or(let terms): self.common(terms, from: 0)
        case .builtin(let builtin, let arguments): self.type(of: builtin, arguments)
        case .let(let bindings, let body): self.type(of: bindings, body)
        default: nil
        }
    }

    private func type(of bindings: [Binding], _ body: Expression) -> StaticType? {
        var inner = self
        for binding in bindings {
            guard let type = inner.type(of: binding.value) else { return nil }
            inner.types[binding.variable] = type
        }
        return inner.type(of: body)
    }

    /// The one type of those terms that can be the value; all of them must be certain.
    private func common(_ terms: [Expression], from start: Int) -> StaticType? {
        var types: [StaticType] = []
        for term in terms {
            guard let type = self.type(of: term) else { return nil }
            types.append(type)
        }
        let results = Set(types[start...])
        return results.count == 1 ? results.first : .unknown
    }

    private func type(of builtin: Builtin, _ arguments: [Expression]) -> StaticType? {
        var types: [StaticType] = []
        for argument in arguments {
            guard let type = self.type(of: argument) else { return nil }
            types.append(type)
        }
        switch builtin {
        case .get:
            guard case .variable(let owner) = arguments[0].kind, self.collections.contains(owner) else { return nil }
            return arguments[1].constant.flatMap(ElementKey.init) == nil ? nil : .unknown
        case .lower, .upper, .trim:
            return types == [.string] ? .string : nil
        case .count, .isEmpty:
            guard types == [.string] || types == [.strings] else { return nil }
            return builtin == .count ? .integer : .boolean
        case .equal, .notEqual, .not, .isNil, .isString, .isNumber, .isInteger, .isFloat, .isBoolean, .isList, .isMap,
            .isSet, .isKeyword, .isSymbol, .isFunction:
            return .boolean
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            let isOrdered = types.allSatisfy { $0 == .integer } || types.allSatisfy { $0 == .string }
            return isOrdered ? .boolean : nil
        case .startsWith, .endsWith, .contains:
            return types == [.string, .string] ? .boolean : nil
        case .str:
            let isText = types.allSatisfy { [.string, .integer, .boolean].contains($0) }
            return isText ? .string : nil
        case .replace:
            return types == [.string, .string, .string] ? .string : nil
        default:
            return nil
        }
    }

    private static func type(of constant: Constant) -> StaticType {
        switch constant {
        case .string: .string
        case .integer: .integer
        case .boolean: .boolean
        default: .unknown
        }
    }
}
