import FluentSyntax
import Testing

@testable import JobPlan

struct JobDefinitionTests {
    private static let functions = ":map (lambda (l) (emit l 1)) :reduce (lambda (k vs) (emit k (sum vs)))"

    private static func make(_ options: String, sink: String = "(stdout)", source: String = "") throws -> JobText {
        try JobText(
            """
            (define count-up count)
            (define words "a b")
            (define-mapreduce job :input (distributed-files "in" \(source)) :output \(sink) \(options))
            """
        )
    }

    @Test func `every option is read`() throws {
        let definition = try Self.make(
            """
            \(Self.functions) :combiner sum :partitions 7 :memory "64MiB" :format 'json
            :on-error (dead-letter (distributed-path "bad"))
            """,
            sink: "(distributed-path \"out\" :format 'csv :separator \";\" :sorted true)"
        ).definition()

        #expect(definition.name == "job")
        #expect(definition.combiner == .builtin(.sum))
        #expect(definition.partitions == 7)
        #expect(definition.memoryBytes == 64 << 20)
        #expect(definition.format == .json)
        #expect(definition.sinkFormat == .csv(CSVDialect(separator: UInt8(ascii: ";"))))
        #expect(definition.isSorted)
        guard case .deadLetter(let sink) = definition.onError else {
            Issue.record("bad records go to a dead letter")
            return
        }
        #expect(sink.name == "distributed-path")
    }

    @Test func `what a map writes isn't sorted, and nobody is told that it is`() throws {
        let sink = "(distributed-path \"out\" :sorted true)"

        let problems = try Self.make(":map (lambda (l) (emit l 1))", sink: sink).problems()

        #expect(problems.map(\.code) == ["option-value"])
        #expect(problems.first?.message.contains("only what a :reduce writes can be sorted") == true)
        #expect(try Self.make(Self.functions, sink: sink).problems().isEmpty)
    }

    @Test func `a job that says little gets the defaults`() throws {
        let definition = try Self.make(Self.functions).definition()

        #expect(definition.partitions == nil)
        #expect(definition.memoryBytes == nil)
        #expect(definition.format == .text)
        #expect(definition.sinkFormat == .text)
        #expect(definition.onError == .fail)
        #expect(!definition.isSorted)
    }

    @Test func `a builtin may be a job's function`() throws {
        let definition = try Self.make(":map emit :reduce emit").definition()

        #expect(ExpressionPrinter().text(definition.map.lambda) == "(lambda (key value) (emit key value))")
    }

    @Test func `the source's own format comes before the job's`() throws {
        let definition = try Self.make("\(Self.functions) :format 'text", source: ":format 'json").definition()

        #expect(definition.format == .json)
    }

    @Test(arguments: [
        (":combiner count-up", "combiner-not-repeatable"),
        (":partitions 65537", "option-value"),
        (":memory (str 1 \"MiB\")", "option-value"),
        (":memory words", "option-value"),
        (":on-error words", "option-value"),
        (":format words", "option-value"),
        (":partitions words", "option-value"),
        (":combiner words", "option-type"),
    ])
    func `a wrong value is refused where it was computed`(option: String, code: String) throws {
        let job = try Self.make("\(Self.functions) \(option)")

        let problems = job.problems()

        #expect(problems.map(\.code) == [code])
        let start = try #require(problems.first?.range.start)
        #expect(job.source.bytes[start...].starts(with: option.split(separator: " ")[1].utf8))
    }

    @Test func `count as a combiner is refused with the reason`() throws {
        let problems = try Self.make("\(Self.functions) :combiner count-up").problems()

        #expect(
            problems.first?.message == "count can't be a combiner: a combiner may run any number of times, also none, "
                + "also on its own results, and the count of counts isn't the count of the values"
        )
    }

    @Test func `all problems are reported at once`() throws {
        let problems = try Self.make("\(Self.functions) :memory words :partitions words", source: ":sorted words")
            .problems()

        #expect(problems.count >= 2)
    }

    @Test func `a combiner without reduce is refused`() throws {
        let problems = try Self.make(":map (lambda (l) (emit l 1)) :combiner sum").problems()

        #expect(problems.map(\.code) == ["combiner-without-reduce"])
    }

    @Test(arguments: [
        ("512MiB", Int64(512) << 20), ("2GiB", 2 << 30), ("1.5 GiB", 3 << 29), ("16384KiB", 16 << 20),
        ("100000000", 100_000_000), ("64MB", 64_000_000),
    ])
    func `sizes are read as they are written`(text: String, bytes: Int64) {
        #expect(MemorySize.bytes(of: text) == bytes)
    }

    @Test(arguments: [
        (Int64(0), "0 B"), (1_023, "1023 B"), (16 << 20, "16 MiB"), (7_158_278, "6.83 MiB"), (1_500_000_000, "1.4 GiB"),
        (10_485_759, "10 MiB"), (123_456_789, "118 MiB"), (1 << 40, "1 TiB"), (50_000, "48.8 KiB"),
    ])
    func `sizes are shown with three digits`(bytes: Int64, text: String) {
        #expect(MemorySize.roundedText(of: bytes) == text)
    }

    @Test(arguments: ["", "MiB", "-1MiB", "1.2.3GiB", "1.255MiB", "12 parsecs", "1e9", "99999999999GiB", "0.5B"])
    func `what isn't a size is refused`(text: String) {
        #expect(MemorySize.bytes(of: text) == nil)
    }
}
