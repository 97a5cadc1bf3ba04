import CoreTypes
import FluentSyntax
import Synchronization
import Testing

/// What the checker asks about sources and sinks, and where it puts the answers.
@Suite struct ConnectorCallTests {
    private static let map = ":map (lambda (record) (emit record 1))"

    @Test(arguments: [
        ("(define-mapreduce j :input USE :output (stdout) \(map))", [ConnectorRole.batchSource]),
        ("(define-mapreduce j :input (generate) :output USE \(map))", [.batchSink]),
        ("(define-mapreduce j :input (generate) :output (stdout) :on-error (dead-letter USE) \(map))", [.batchSink]),
        ("(define-streaming-job j :input USE :window (global-window) \(map))", [.streamSource]),
        ("(define-streaming-job j :input (generate) :late USE :window (global-window) \(map))", [.streamSink]),
        ("(define-streaming-job j :input (generate) :sides {:odd USE} :window (global-window) \(map))", [.streamSink]),
        ("(define-stream-processor j :source (union (generate) :b USE))", [.streamSource]),
        ("(define-stream-processor j :source (generate) :sink USE)", [.streamSink]),
        ("(define-stream-processor j :source (generate) (side :odd USE))", [.streamSink]),
        ("(define-stream-processor j :source (generate) (enrich (table USE :key :id) :on :id))", [.streamSource]),
        ("(define s USE) (define-stream-processor j :source (generate) :sink s)", [.streamSink]),
        (
            "(define s USE) (define-stream-processor j :source (generate) :sink s) "
                + "(define-mapreduce k :input s :output (stdout) \(map))",
            [.batchSource, .streamSink]
        ),
        ("(define-stream-processor j :source (generate) :sink (if (param \"x\" true) USE (stdout)))", [.streamSink]),
        ("(define (make) USE) (println (make))", [nil]),
    ])
    func `a call is asked about in each role that the text gives it`(text: String, roles: [ConnectorRole?]) {
        let connectors = Answers([])

        _ = Frontend.check(.make(text.replacing("USE", with: "(kafka-topic \"t\")")), connectors: connectors)

        #expect(connectors.uses.filter { $0.name == "kafka-topic" }.map(\.role) == roles)
    }

    @Test func `a format has the role of the call that it is in`() {
        let connectors = Answers([])
        let output = ":output (distributed-path \"out\" :format (csv :separator \";\"))"

        _ = Frontend.check(
            .make("(define-mapreduce j :input (generate) \(output) \(Self.map))"),
            connectors: connectors
        )

        #expect(connectors.uses.filter { $0.name == "csv" }.map(\.role) == [.batchSink])
    }

    @Test func `what only a running program knows is unknown`() throws {
        let connectors = Answers([])
        let call = "(distributed-files topic [\"a\" topic] :recursive (param \"r\" true) :format 'csv :header first)"

        _ = Frontend.check(.make("(define topic (param \"t\"))\n(println \(call))"), connectors: connectors)

        let use = try #require(connectors.uses.first { $0.name == "distributed-files" })
        #expect(use.arguments.map(Self.text) == ["unknown", "unknown"])
        #expect(use.options.mapValues(Self.text) == ["recursive": "unknown", "format": "csv", "header": "sum or so"])
    }

    @Test(arguments: [
        (ConnectorProblem.Place.call, "(distributed-files \"a\" \"b\" :recursive 7)"), (.argument(1), "\"b\""),
        (.optionName("recursive"), ":recursive"), (.optionValue("recursive"), "7"),
    ])
    func `an answer is an error at its place`(place: ConnectorProblem.Place, marked: String) throws {
        let text = "(println (distributed-files \"a\" \"b\" :recursive 7))"

        let checked = Frontend.check(.make(text), connectors: Answers([ConnectorProblem(place, code: "odd", "is odd")]))

        let diagnostic = try #require(checked.diagnostics.first)
        #expect(checked.diagnostics.map(\.code) == ["odd"])
        #expect(checked.program == nil)
        let bytes = Array(text.utf8)[diagnostic.range.start..<diagnostic.range.end]
        #expect(String(decoding: bytes, as: UTF8.self) == marked)
    }

    @Test func `answers come with the other errors, and not about what is wrong already`() {
        let answers = [
            ConnectorProblem(.optionValue("format"), code: "again", "is wrong"),
            ConnectorProblem(.optionName("recursive"), code: "odd", "is odd"),
        ]

        let checked = Frontend.check(
            .make("(prinln 1)\n(println (distributed-files \"a\" :format 'cvs :recursive 7))"),
            connectors: Answers(answers)
        )

        #expect(checked.diagnostics.map(\.code) == ["unknown-name", "option-value", "odd"])
    }

    private static func text(_ value: ConnectorUse.Value) -> String {
        switch value {
        case .unknown: "unknown"
        case .constant(.symbol(let name)): name
        case .constant: "sum or so"
        case .function: "function"
        case .call(let name): "(\(name) …)"
        }
    }
}

/// Writes down what it is asked, and always answers the same.
private final class Answers: ConnectorChecking {
    private let answers: [ConnectorProblem]
    private let asked = Mutex<[ConnectorUse]>([])

    init(_ answers: [ConnectorProblem]) {
        self.answers = answers
    }

    var uses: [ConnectorUse] { self.asked.withLock { $0 } }

    func problems(with use: ConnectorUse) -> [ConnectorProblem] {
        self.asked.withLock { $0.append(use) }
        return self.answers
    }

    func givesTime(_ name: String) -> Bool { true }
}
