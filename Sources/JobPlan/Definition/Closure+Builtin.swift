import FluentSyntax

extension Closure {
    /// A function that only calls a builtin, with as few parameters as both allow; nil where none fits.
    init?(calling builtin: Builtin, parameterCounts: ClosedRange<Int>, range: SourceRange) {
        let signature = builtin.signature
        let fitting = parameterCounts.first { count in
            count >= signature.minimumCount && count <= signature.maximumCount ?? count
        }
        guard let count = fitting else { return nil }
        let parameters = (0..<count).map { Variable(id: $0, name: count == 1 ? "record" : $0 == 0 ? "key" : "value") }
        let arguments = parameters.map { Expression(.variable($0), range: range) }
        let body = Expression(.builtin(builtin, arguments: arguments), range: range)
        let lambda = Lambda(name: builtin.name, parameters: parameters, body: body, captured: [], range: range)
        self.init(lambda: lambda, captured: [], globals: [:])
    }
}
