import ConnectorKit
import CoordinationCore
import EngineTestKit
import JobPlan
import JobService
import Testing

@Suite struct LocalJobTests {
    @Test(arguments: [1, 2, 5])
    func `a job that ends well commits every partition once`(parallelism: Int) throws {
        let source = InMemorySource(["b a\nb\n", "c\n", "a b"], blockBytes: 3)

        let run = try LocalRun(.makeWordCount(), source: source, options: PlanOptions(parallelism: parallelism))

        #expect(run.summary.state == .finished)
        #expect(run.sink.lines == ["a\t2", "b\t3", "c\t1"])
        #expect(run.sink.events.first == .prepared)
        #expect(run.sink.events.last == .committed([0, 1, 2]))
        #expect(run.sink.commitCount == 1)
        #expect(run.sink.abortCount == 0)
        #expect(run.sink.openWriterCount == 0)
        #expect(source.calls.enumerations == 1)
        #expect(source.calls.opened == 3)
        #expect(source.calls.closed == 3)
        #expect(!run.isHeld)
    }

    @Test func `a job without a reduce writes from its maps`() throws {
        let source = InMemorySource(["one\ntwo\n", "three\n"])

        let run = try LocalRun(.makeCopy(), source: source)

        #expect(run.summary.state == .finished)
        #expect(run.sink.lines == ["0\tone", "0\tthree", "4\ttwo"])
        #expect(run.sink.commitCount == 1)
        #expect(!run.isHeld)
    }

    @Test func `a job without input commits empty partitions`() throws {
        let run = try LocalRun(.makeWordCount(), source: InMemorySource([String]()))

        #expect(run.summary.state == .finished)
        #expect(run.sink.partitions == [[], [], []])
    }

    @Test(arguments: [true, false])
    func `keys that aren't text come out as they went in, however long they are`(isSorted: Bool) throws {
        let program = try JobProgram.make(
            map: #"(lambda (line) (emit [line (count line)] 1) (emit {:line line} 2) (emit (count line) 4))"#,
            reduce: "(lambda (key values) (emit key (sum values)))",
            output: isSorted ? ":sorted true" : ""
        )

        let run = try LocalRun(program, source: InMemorySource(["a\na line of some length\na\n"]))

        #expect(
            run.sink.lines == [
                "1\t8", "21\t4", #"["a line of some length",21]\#t1"#, #"["a",1]\#t2"#,
                #"{"line":"a line of some length"}\#t2"#, #"{"line":"a"}\#t4"#,
            ]
        )
    }

    @Test func `the summary counts what was read, mapped, reduced and written`() throws {
        let run = try LocalRun(.makeWordCount(), source: InMemorySource(["b a\nb\n", "c\n"]))

        let summary = run.summary
        #expect(summary.name == "job")
        #expect(summary.input == "memory")
        #expect(summary.output == "kept")
        #expect(summary.failure.isEmpty)
        #expect(summary.inputBytes == 8)
        #expect(summary.inputRecords == 3)
        #expect(summary.mappedPairs == 4)
        #expect(summary.reducedKeys == 3)
        #expect(summary.outputRecords == 3)
        #expect(summary.outputBytes == 12)
        #expect(summary.spilledBytes == 0)
        #expect(summary.spilledRuns == 0)
        #expect(summary.rejectedRecords == 0)
        #expect(run.snapshot.totalBytes == 8)
        #expect(run.snapshot.inputBytes == 8)
        #expect(run.snapshot.state == .finished)
        #expect(run.snapshot.progress.finishedSplitCount == 2)
    }

    @Test func `tables that spill change nothing but the figures`() throws {
        let text = (0..<2_000).map { "key-\($0 % 500) a-key-that-is-too-long-for-a-slot-\($0 % 300)\n" }.joined()
        let options = PlanOptions(parallelism: 2, tableBytes: 1 << 10)

        let run = try LocalRun(.makeWordCount(), source: InMemorySource([text], blockBytes: 512), options: options)

        let expected =
            (0..<500).map { "key-\($0)\t4" }
            + (0..<300).map { "a-key-that-is-too-long-for-a-slot-\($0)\t\($0 < 200 ? 7 : 6)" }
        #expect(run.summary.state == .finished)
        #expect(run.sink.lines == expected.sorted())
        #expect(run.summary.spilledRuns > 10)
        #expect(run.summary.spilledBytes > 0)
        #expect(!run.isHeld)
    }
}

/// Jobs of which something breaks.
@Suite struct FailedLocalJobTests {
    private static let text = (0..<200).map { "word-\($0) again\n" }.joined()

    @Test func `a source that can't be listed fails the job before anything is touched`() throws {
        let run = try LocalRun(.makeWordCount(), source: InMemorySource([Self.text], fault: .enumerating))

        #expect(run.summary.state == .failed)
        #expect(run.summary.failure.hasPrefix("can't list 'memory'"))
        #expect(run.sink.events.isEmpty)
        #expect(run.source.calls.opened == 0)
        #expect(!run.isHeld)
    }

    @Test func `a sink that may not be written fails the job before anything is read`() throws {
        let sink = InMemorySink(fault: .preparing)

        let run = try LocalRun(.makeWordCount(), source: InMemorySource([Self.text]), sink: sink)

        #expect(run.summary.state == .failed)
        #expect(run.summary.failure.hasPrefix("can't write to 'kept'"))
        #expect(run.sink.events == [.prepared, .aborted])
        #expect(run.source.calls.opened == 0)
        run.expectNothingIsLeft()
    }

    @Test(arguments: [InMemorySource.Fault.opening(call: 1), .opening(call: 2), .polling(call: 1), .polling(call: 7)])
    func `a source that breaks while it is read leaves nothing behind`(fault: InMemorySource.Fault) throws {
        let source = InMemorySource([Self.text, Self.text], blockBytes: 100, fault: fault)

        let run = try LocalRun(.makeWordCount(), source: source)

        #expect(run.summary.state == .failed)
        #expect(run.summary.failure.contains("the test wants it so"))
        #expect(run.sink.commitCount == 0)
        run.expectNothingIsLeft()
    }

    @Test(arguments: [InMemorySource.Fault.opening(call: 2), .polling(call: 7)])
    func `a source that breaks takes back what maps have written`(fault: InMemorySource.Fault) throws {
        let source = InMemorySource([Self.text, Self.text], blockBytes: 100, fault: fault)

        let run = try LocalRun(.makeCopy(), source: source)

        #expect(run.summary.state == .failed)
        #expect(run.sink.commitCount == 0)
        run.expectNothingIsLeft()
    }

    @Test(arguments: [
        InMemorySink.Fault.opening(call: 1), .opening(call: 3), .writing(call: 1), .writing(call: 2),
        .finishing(call: 1), .finishing(call: 3),
    ])
    func `a writer of a reduce that refuses leaves nothing behind`(fault: InMemorySink.Fault) throws {
        let sink = InMemorySink(fault: fault)

        let run = try LocalRun(.makeWordCount(), source: InMemorySource([Self.text]), sink: sink)

        #expect(run.summary.state == .failed)
        #expect(run.summary.failure.contains("the test wants it so"))
        #expect(run.sink.commitCount == 0)
        run.expectNothingIsLeft()
    }

    @Test(arguments: [
        InMemorySink.Fault.opening(call: 1), .opening(call: 2), .writing(call: 1), .finishing(call: 1),
        .finishing(call: 2),
    ])
    func `a writer of a map that refuses leaves nothing behind`(fault: InMemorySink.Fault) throws {
        let sink = InMemorySink(fault: fault)

        let run = try LocalRun(.makeCopy(), source: InMemorySource([Self.text, Self.text]), sink: sink)

        #expect(run.summary.state == .failed)
        #expect(run.sink.commitCount == 0)
        run.expectNothingIsLeft()
    }

    @Test func `a commit that fails is tried once and then taken back`() throws {
        let sink = InMemorySink(fault: .committing)

        let run = try LocalRun(.makeWordCount(), source: InMemorySource([Self.text]), sink: sink)

        #expect(run.summary.state == .failed)
        #expect(run.summary.failure.hasPrefix("can't commit 'kept'"))
        #expect(run.sink.commitCount == 1)
        run.expectNothingIsLeft()
    }

    @Test(arguments: [InMemorySpillStore.Fault.makingRun(call: 1), .appending(call: 3), .reading(call: 2)])
    func `a disk that refuses to be spilled to fails the job`(fault: InMemorySpillStore.Fault) throws {
        let options = PlanOptions(parallelism: 2, tableBytes: 1 << 10)

        let run = try LocalRun(
            .makeWordCount(),
            source: InMemorySource([Self.text], blockBytes: 256),
            spillFault: fault,
            options: options
        )

        #expect(run.summary.state == .failed)
        #expect(run.summary.failure.hasPrefix("can't spill"))
        run.expectNothingIsLeft()
    }

    @Test func `a lambda that fails is shown with its record and its line`() throws {
        let program = try JobProgram.make(
            map: "(lambda (line) (emit line (/ 1 (count line))))",
            reduce: "(lambda (key values) (emit key (sum values)))"
        )

        let run = try LocalRun(program, source: InMemorySource(["a\n\nb\n"]))

        #expect(run.summary.state == .failed)
        #expect(run.summary.failure.hasPrefix("job.fl:4:34: error[division-by-zero]: "))
        #expect(run.summary.failure.contains("text-0, offset 2"))
        run.expectNothingIsLeft()
    }

    @Test func `only the first of many failures is told`() throws {
        let texts = Array(repeating: Self.text, count: 6)
        let program = try JobProgram.make(map: #"(lambda (line) (throw "no"))"#)

        let run = try LocalRun(program, source: InMemorySource(texts), options: PlanOptions(parallelism: 4))

        #expect(run.summary.state == .failed)
        #expect(run.summary.failure.contains("offset 0"))
        run.expectNothingIsLeft()
    }
}
