package import FluentSyntax

/// A value of the language, as the reference interpreter holds it.
package indirect enum ReferenceValue {
    case `nil`
    case boolean(Bool)
    case integer(Int64)
    case float(Double)
    case string(Text)
    case symbol(Text)
    case keyword(Text)
    case list([ReferenceValue])
    /// Insertion order; keys are distinct and normalised.
    case map([ReferenceEntry])
    /// Insertion order; elements are distinct and normalised.
    case set([ReferenceValue])
    case function(ReferenceFunction)
    case builtin(Builtin)
    case regex(String)
}

package struct ReferenceEntry {
    package let key: ReferenceValue
    package let value: ReferenceValue

    package init(_ key: ReferenceValue, _ value: ReferenceValue) {
        self.key = key
        self.value = value
    }
}

/// A lambda and the scope it was written in.
package final class ReferenceFunction {
    /// How the function is evaluated once its arguments are there.
    enum Body {
        case forms(ArraySlice<SyntaxNode>, Scope)
        /// For those who evaluate bodies themselves and only borrow calls and builtins.
        case native(([ReferenceValue]) throws(EvaluationError) -> ReferenceValue)
    }

    let name: String
    let parameters: [String]
    let body: Body

    init(name: String, parameters: [String], body: ArraySlice<SyntaxNode>, scope: Scope) {
        self.name = name
        self.parameters = parameters
        self.body = .forms(body, scope)
    }

    package init(
        name: String,
        parameters: [String],
        body: @escaping ([ReferenceValue]) throws(EvaluationError) -> ReferenceValue
    ) {
        self.name = name
        self.parameters = parameters
        self.body = .native(body)
    }
}

/// Names and what they are bound to, inside an enclosing scope.
final class Scope {
    private var values: [String: ReferenceValue] = [:]
    private let parent: Scope?

    init(in parent: Scope?) {
        self.parent = parent
    }

    subscript(_ name: String) -> ReferenceValue? {
        self.values[name] ?? self.parent?[name]
    }

    func bind(_ name: String, to value: ReferenceValue) {
        self.values[name] = value
    }
}

extension ReferenceValue {
    package static func string(_ string: String) -> ReferenceValue { .string(Text(string)) }

    /// Only nil and false are false.
    package var isTrue: Bool {
        switch self {
        case .nil, .boolean(false): false
        default: true
        }
    }

    /// As ``TypeName`` writes it.
    package var typeName: String {
        switch self {
        case .nil: TypeName.nil
        case .boolean: TypeName.boolean
        case .integer: TypeName.integer
        case .float: TypeName.float
        case .string: TypeName.string
        case .symbol: TypeName.symbol
        case .keyword: TypeName.keyword
        case .list: TypeName.list
        case .map: TypeName.map
        case .set: TypeName.set
        case .function, .builtin: TypeName.function
        case .regex: TypeName.regex
        }
    }

    /// The elements of what can be traversed: a map gives its entries as `[key value]`.
    package var elements: [ReferenceValue]? {
        switch self {
        case .nil: []
        case .list(let elements), .set(let elements): elements
        case .map(let entries): entries.map { .list([$0.key, $0.value]) }
        default: nil
        }
    }
}
