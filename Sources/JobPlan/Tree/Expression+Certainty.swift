import FluentSyntax

extension Expression {
    /// The direct subexpressions that are evaluated whenever the expression is, unless an earlier one fails.
    ///
    /// Inside of `attempt` nothing is certain: a failure there is caught, and what is seen of it would change.
    var certainChildren: [Expression] {
        switch self.kind {
        case .constant, .variable, .global, .lambda, .attempt, .defineJob: []
        case .let(let bindings, let body): bindings.map(\.value) + [body]
        case .letrec(_, let body): [body]
        case .if(let condition, _, _): [condition]
        case .and(let terms), .or(let terms): Array(terms.prefix(1))
        case .sequence(let forms): forms
        case .call(let function, let arguments): [function] + arguments
        case .builtin(_, let arguments): arguments
        case .list(let elements): elements
        case .map(let entries): entries.flatMap { [$0.key, $0.value] }
        case .forEach(_, let sequence, _, _): [sequence]
        case .match(let subject, _): [subject]
        case .connector(_, let arguments, let options): arguments + options.map(\.value)
        case .define(_, let value): [value]
        }
    }
}
