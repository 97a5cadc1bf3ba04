import FluentSyntax

@testable import JobPlan

/// Word count of the language's specification, built by hand.
enum WordCount {
    static let key = Variable(id: 1, name: "key")
    static let line = Variable(id: 2, name: "line")
    static let word = Variable(id: 3, name: "word")
    static let reduceKey = Variable(id: 4, name: "word")
    static let counts = Variable(id: 5, name: "counts")

    static func makeMap() -> Closure {
        let split = Expression.make(.builtin(.split, arguments: [.use(Self.line), .make(.constant(.regex("\\s+")))]))
        let emit = Expression.make(.builtin(.emit, arguments: [.use(Self.word), .make(.constant(.integer(1)))]))
        let body = Expression.make(.forEach(Self.word, sequence: split, body: emit, isNested: false))
        return Closure.make([Self.key, Self.line], body)
    }

    static func makeReduce() -> Closure {
        let sum = Expression.make(.builtin(.sum, arguments: [.use(Self.counts)]))
        let body = Expression.make(.builtin(.emit, arguments: [.use(Self.reduceKey), sum]))
        return Closure.make([Self.reduceKey, Self.counts], body)
    }

    static func makeDefinition(combiner: Constant? = .builtin(.sum), partitions: Int? = 100) -> JobDefinition {
        var settings = JobDefinition.Settings()
        settings.partitions = partitions
        return JobDefinition(
            name: "word-count",
            endpoints: (.make("distributed-files", "books/*.txt"), .make("distributed-path", "results")),
            functions: (Self.makeMap(), combiner, Self.makeReduce()),
            settings: settings,
            range: SourceRange(start: 0, end: 400)
        )
    }
}

extension Expression {
    static func make(_ kind: Expression.Kind) -> Expression {
        Expression(kind, range: SourceRange(start: 10, end: 20))
    }

    static func use(_ variable: Variable) -> Expression {
        .make(.variable(variable))
    }
}

extension Closure {
    static func make(_ parameters: [Variable], _ body: Expression) -> Closure {
        let range = SourceRange(start: 5, end: 30)
        let lambda = Lambda(name: "", parameters: parameters, body: body, captured: [], range: range)
        return Closure(lambda: lambda, captured: [], globals: [:])
    }
}

extension ConnectorCall {
    static func make(_ name: String, _ argument: String) -> ConnectorCall {
        ConnectorCall(
            name: name,
            arguments: [.string(Array(argument.utf8))],
            options: [],
            range: SourceRange(start: 0, end: 1)
        )
    }
}
