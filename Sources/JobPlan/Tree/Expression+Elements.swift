import FluentSyntax

extension Expression {
    /// The variables of which a field is read whenever the expression is evaluated.
    var fieldOwners: Set<Variable> {
        var owners: Set<Variable> = []
        if case .builtin(.get, let arguments) = self.kind, case .variable(let owner) = arguments[0].kind,
            case .some(.field) = arguments[1].constant.flatMap(ElementKey.init)
        {
            owners.insert(owner)
        }
        for child in self.certainChildren { owners.formUnion(child.fieldOwners) }
        return owners
    }

    /// Whether it is written as a map or a list.
    var isCollection: Bool {
        switch self.kind {
        case .map, .list, .constant(.map), .constant(.list): true
        default: false
        }
    }

    /// What a map of fields, or a list, is written of.
    var elements: [(key: ElementKey, value: Expression)]? {
        switch self.kind {
        case .map(let entries):
            let keyed = entries.compactMap { entry -> (key: ElementKey, value: Expression)? in
                guard let key = entry.key.constant.flatMap(ElementKey.init), case .field = key else { return nil }
                return (key, entry.value)
            }
            return keyed.count == entries.count ? keyed : nil
        case .list(let elements): return elements.enumerated().map { (.position(Int64($0)), $1) }
        case .constant(.map(let entries)):
            let range = self.range
            let literal = entries.map { entry in
                MapEntry(Self(.constant(entry.key), range: range), Self(.constant(entry.value), range: range))
            }
            return Expression(.map(literal), range: range).elements
        case .constant(.list(let elements)):
            return elements.enumerated().map { (.position(Int64($0)), Expression(.constant($1), range: self.range)) }
        default: return nil
        }
    }

    func replacing(_ variable: Variable, with value: Expression) -> Expression {
        if case .variable(variable) = self.kind { return value }
        return self.mapChildren { $0.replacing(variable, with: value) }
    }

    /// The same with each `(get variable KEY)` replaced by that element, or what stands for a missing one.
    func replacingElements(of variable: Variable, _ elements: [(key: ElementKey, value: Expression)]) -> Expression {
        if case .builtin(.get, let arguments) = self.kind, case .variable(variable) = arguments[0].kind,
            let key = arguments[1].constant.flatMap(ElementKey.init),
            arguments.count == 2 || arguments[2].constant != nil
        {
            let found = elements.last { $0.key == key }?.value
            let missing = arguments.dropFirst(2).first ?? Expression(.constant(.nil), range: self.range)
            return found ?? missing
        }
        return self.mapChildren { $0.replacingElements(of: variable, elements) }
    }
}

/// What `get` is asked for.
enum ElementKey: Hashable {
    /// A keyword and the string of the same text are one.
    case field(String)
    case position(Int64)

    init?(_ constant: Constant) {
        switch constant {
        case .keyword(let name): self = .field(name)
        case .string(let text): self = .field(String(decoding: text, as: UTF8.self))
        case .integer(let position): self = .position(position)
        default: return nil
        }
    }
}
