package import FluentSyntax

/// A program made from a seed, and the lines to run it over if it is a lambda of a map job.
package struct GeneratedProgram: Sendable {
    package enum Kind: Sendable {
        /// The last form is the program's value.
        case expression
        /// The last form defines a job, whose `:map` is a lambda of a key and a line.
        case mapLambda
    }

    package let seed: UInt64
    package let kind: Kind
    package let text: String
    package let lines: [[UInt8]]

    package init(seed: UInt64, kind: Kind, text: String, lines: [[UInt8]]) {
        self.seed = seed
        self.kind = kind
        self.text = text
        self.lines = lines
    }

    package var source: SourceFile { SourceFile(name: "generated-\(self.seed).fl", text: self.text) }

    /// The same run over another text or other lines.
    package func replacing(text: String? = nil, lines: [[UInt8]]? = nil) -> GeneratedProgram {
        GeneratedProgram(seed: self.seed, kind: self.kind, text: text ?? self.text, lines: lines ?? self.lines)
    }
}

/// What running a program showed.
package struct ProgramOutcome {
    package struct Run {
        package let result: Result<ReferenceValue, EvaluationError>
        package let emitted: [ReferenceEntry]

        package init(result: Result<ReferenceValue, EvaluationError>, emitted: [ReferenceEntry]) {
            self.result = result
            self.emitted = emitted
        }
    }

    /// One for each line, or one for an expression; an error while the top level ran is the only one.
    package let runs: [Run]

    package init(runs: [Run]) {
        self.runs = runs
    }
}

extension GeneratedProgram {
    /// Where errors in calling the lambda itself lie: nowhere in the text.
    package static let callRange = SourceRange(start: 0, end: 0)

    /// Runs the program on the reference interpreter; nil if the checker refuses it.
    package func interpret() -> ProgramOutcome? {
        guard Frontend.check(self.source).program != nil else { return nil }
        let read = Reader.read(self.source)
        guard self.kind == .expression || read.forms.last?.isJob == true else { return nil }
        let interpreter = Interpreter()
        return self.run(on: interpreter) { () throws(EvaluationError) in
            try interpreter.run(read.forms.compactMap { $0.isJob ? $0.mapFunction : $0 })
        }
    }

    /// Evaluates the top level, then calls the function that it gives for each line.
    package func run(
        on interpreter: Interpreter,
        topLevel: () throws(EvaluationError) -> ReferenceValue
    ) -> ProgramOutcome {
        let value = Result(catching: topLevel)
        guard self.kind == .mapLambda, case .success(let function) = value else {
            return ProgramOutcome(runs: [ProgramOutcome.Run(result: value, emitted: interpreter.emitted)])
        }
        var runs: [ProgramOutcome.Run] = []
        var offset: Int64 = 0
        for line in self.lines {
            interpreter.reset()
            let arguments: [ReferenceValue] = [.integer(offset), .string(Text(bytes: line))]
            let result = Result { () throws(EvaluationError) in
                try interpreter.call(function, arguments, at: Self.callRange)
            }
            runs.append(ProgramOutcome.Run(result: result, emitted: interpreter.emitted))
            offset += Int64(line.count) + 1
        }
        return ProgramOutcome(runs: runs)
    }
}

extension SyntaxNode {
    fileprivate var isJob: Bool { self.elements?.first?.symbol == "define-mapreduce" }

    /// What stands behind `:map`.
    fileprivate var mapFunction: SyntaxNode? {
        let elements = self.elements ?? []
        for (option, value) in zip(elements, elements.dropFirst()) {
            if case .keyword("map") = option.kind { return value }
        }
        return nil
    }
}
