import ConnectorCatalog
import FluentSyntax
import ProgramService
import ReferenceInterpreter
import Testing

struct LanguageReferenceTests {
    private let document: ReferenceDocument

    init() throws {
        self.document = try ReferenceDocument()
    }

    @Test func `every block reads`() {
        let blocks = self.document.blocks("fluent") + self.document.blocks("fluent-job")

        #expect(blocks.count > 20)
        for block in blocks {
            let problems = Reader.read(block.source).diagnostics.map(\.message)
            #expect(problems.isEmpty, "in the block at line \(block.firstLine)")
        }
    }

    @Test func `the checker accepts every block`() {
        let connectors = ConnectorCheck(ConnectorCatalog.standard.declarations)
        for block in self.document.blocks("fluent") + self.document.blocks("fluent-job") {
            let checked = Frontend.check(block.source, connectors: connectors)

            let errors = checked.diagnostics.filter { $0.severity == .error }
            #expect(errors.map(\.message) == [], "in the block at line \(block.firstLine)")
        }
    }

    @Test func `every example gives what it promises`() {
        var checkedCount = 0
        for block in self.document.blocks("fluent") {
            let interpreter = Interpreter()
            for example in block.examples {
                let shown = Self.shown(Result { () throws(EvaluationError) in try interpreter.run([example.form]) })

                if let expected = example.expected {
                    #expect(shown == expected, "in the block at line \(block.firstLine)")
                    checkedCount += 1
                }
            }
        }

        #expect(checkedCount > 180)
    }

    @Test func `every example gives the same on the machine`() throws {
        for block in self.document.blocks("fluent") {
            let results = try #require(MachineSubject.results(of: block.source))
            let examples = block.examples

            try #require(results.count == examples.count)
            for (example, result) in zip(examples, results) {
                guard let expected = example.expected else { continue }
                #expect(Self.shown(result) == expected, "in the block at line \(block.firstLine)")
            }
        }
    }

    @Test func `every builtin and every alias is described`() {
        let spans = self.document.codeSpans
        let called = Set(spans.compactMap { $0.hasPrefix("(") ? Self.head($0.dropFirst()) : nil })
        let named = called.union(spans)

        let missing = Builtin.allCases.flatMap { builtin in
            let signature = builtin.signature
            let aliases = signature.aliases.filter { !named.contains($0) }
            return (called.contains(signature.name) ? [] : [signature.name]) + aliases
        }

        #expect(missing == [])
    }

    @Test func `every builtin is used in an example`() {
        var used: Set<Builtin> = []
        for block in self.document.blocks("fluent") + self.document.blocks("fluent-job") {
            for form in Reader.read(block.source).forms { Self.collect(form, into: &used) }
        }

        #expect(Builtin.allCases.filter { !used.contains($0) } == [])
    }

    @Test func `every name of an error that can be caught is described`() {
        let spans = Set(self.document.codeSpans)
        let codes: [EvaluationError.Code] = [
            .typeMismatch(operation: "", expected: "", found: ""), .integerOverflow(operation: ""),
            .divisionByZero(operation: ""), .indexOutOfRange(operation: "", index: 0, count: 0),
            .invalidArgument(operation: "", reason: ""), .argumentCount(function: "", expected: 0, found: 0), .noMatch,
            .undefined(name: ""), .stepLimit(0), .memoryLimit(bytes: 0), .callDepthLimit(0), .regexLimit,
            .host(message: ""),
        ]

        #expect(codes.map(\.name).filter { !spans.contains($0) } == [])
    }

    /// The value as written in a program, or the name of the error.
    private static func shown(_ result: Result<ReferenceValue, EvaluationError>) -> String {
        switch result {
        case .success(let value): value.written.string
        case .failure(let error): "error \(error.code.name)"
        }
    }

    private static func head(_ text: Substring) -> String {
        String(text.prefix { $0 != " " && $0 != ")" })
    }

    private static func collect(_ node: SyntaxNode, into used: inout Set<Builtin>) {
        switch node.kind {
        case .symbol(let name):
            if let builtin = Builtin(name: name) { used.insert(builtin) }
        case .list(let children), .vector(let children), .map(let children):
            for child in children { Self.collect(child, into: &used) }
        case .quote(let child): Self.collect(child, into: &used)
        case .nil, .boolean, .integer, .float, .string, .regex, .keyword: break
        }
    }
}
