internal import FluentSyntax

extension Expression {
    /// Adds the names of all globals that an expression refers to, those of lambdas inside included.
    func collectGlobals(into names: inout [String]) {
        if case .global(let name) = self.kind { names.append(name) }
        for child in self.children { child.collectGlobals(into: &names) }
    }

    /// The expressions directly inside this one.
    private var children: [Expression] {
        switch self.kind {
        case .constant, .variable, .global: []
        case .let(let bindings, let body): bindings.map(\.value) + [body]
        case .letrec(let bindings, let body): bindings.map(\.lambda.body) + [body]
        case .if(let condition, let then, let otherwise): [condition, then, otherwise]
        case .and(let parts), .or(let parts), .sequence(let parts), .list(let parts): parts
        case .lambda(let lambda): [lambda.body]
        case .call(let function, let arguments): [function] + arguments
        case .builtin(_, let arguments): arguments
        case .map(let entries): entries.flatMap { [$0.key, $0.value] }
        case .forEach(_, let sequence, let body, _): [sequence, body]
        case .match(let subject, let clauses): [subject] + clauses.flatMap { $0.pattern.guards + [$0.body] }
        case .attempt(let body, let handler, let cleanup):
            [body] + (handler.map { [$0.body] } ?? []) + (cleanup.map { [$0] } ?? [])
        case .connector(_, let arguments, let options): arguments + options.map(\.value)
        case .define(_, let value): [value]
        case .defineJob(let job): job.options.map(\.value)
        }
    }
}

extension Pattern {
    fileprivate var guards: [Expression] {
        switch self {
        case .any, .binding, .constant: []
        case .list(let parts), .message(_, let parts): parts.flatMap(\.guards)
        case .map(let entries): entries.flatMap(\.pattern.guards)
        case .guarded(let inner, let condition): inner.guards + [condition]
        }
    }
}
