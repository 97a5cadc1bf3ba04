import ConnectorKit
import CoordinationCore
import EngineTestKit
import JobPlan
import JobService
import Testing

/// Jobs that somebody stops: from inside of what they call, so that no test waits for the right moment.
@Suite struct CancelledLocalJobTests {
    private static let text = Array("some words\n".utf8)

    /// So long that only a cancellation ends it, and so short that a test which fails ends too.
    private static let roundLimit = 200_000

    @Test(arguments: [1, 2, 4])
    func `a job that is cancelled while it reads stops and leaves nothing`(parallelism: Int) throws {
        let polled = Hook()
        let source = InMemorySource(
            Array(repeating: Self.text, count: 4),
            repeatCount: Self.roundLimit,
            onPoll: polled
        )

        let run = try LocalRun(
            .makeWordCount(),
            source: source,
            options: PlanOptions(parallelism: parallelism)
        ) { job in
            polled.set { [weak job] call in if call == 50 { job?.cancel() } }
        }

        #expect(run.summary.state == .cancelled)
        #expect(run.summary.failure.isEmpty)
        #expect(source.calls.polls < Self.roundLimit)
        #expect(run.sink.commitCount == 0)
        run.expectNothingIsLeft()
    }

    @Test func `a job that writes from its maps is cancelled with its writers`() throws {
        let polled = Hook()
        let source = InMemorySource([Self.text, Self.text], repeatCount: Self.roundLimit, onPoll: polled)

        let run = try LocalRun(.makeCopy(), source: source) { job in
            polled.set { [weak job] call in if call == 50 { job?.cancel() } }
        }

        #expect(run.summary.state == .cancelled)
        #expect(run.sink.count { $0 == .discarded(partition: 0) } == 1)
        #expect(run.sink.count { $0 == .discarded(partition: 1) } == 1)
        run.expectNothingIsLeft()
    }

    @Test func `a job that is cancelled while it reduces discards what it writes`() throws {
        let sink = InMemorySink()
        let keys = (0..<30_000).map { "a-long-word-with-a-number-\($0)\n" }.joined()

        let run = try LocalRun(
            .makeWordCount(options: ":partitions 1"),
            source: InMemorySource([keys]),
            sink: sink,
            options: PlanOptions(parallelism: 1)
        ) { job in
            sink.watch { [weak job] event in if case .wrote = event { job?.cancel() } }
        }

        #expect(run.summary.state == .cancelled)
        #expect(run.summary.reducedKeys < 30_000)
        #expect(run.sink.events == [.prepared, .opened(partition: 0), .discarded(partition: 0), .aborted])
        run.expectNothingIsLeft()
    }

    @Test func `a job that is cancelled while its sink is prepared reads nothing`() throws {
        let sink = InMemorySink()

        let run = try LocalRun(.makeWordCount(), source: InMemorySource([Self.text]), sink: sink) { job in
            sink.watch { [weak job] event in if event == .prepared { job?.cancel() } }
        }

        #expect(run.summary.state == .cancelled)
        #expect(run.source.calls.opened == 0)
        #expect(run.sink.events == [.prepared, .aborted])
        run.expectNothingIsLeft()
    }

    @Test func `a job that is cancelled before it runs touches no sink`() throws {
        let run = try LocalRun(.makeWordCount(), source: InMemorySource([Self.text])) { $0.cancel() }

        #expect(run.summary.state == .cancelled)
        #expect(run.sink.events.isEmpty)
        #expect(!run.isHeld)
    }

    @Test func `a commit that has begun is carried through`() throws {
        let sink = InMemorySink()

        let run = try LocalRun(.makeWordCount(), source: InMemorySource([Self.text]), sink: sink) { job in
            sink.watch { [weak job] event in if case .committed = event { job?.cancel() } }
        }

        #expect(run.summary.state == .finished)
        #expect(run.sink.lines == ["some\t1", "words\t1"])
        #expect(run.sink.abortCount == 0)
    }

    @Test func `a second cancellation changes nothing`() throws {
        let polled = Hook()
        let source = InMemorySource([Self.text], repeatCount: Self.roundLimit, onPoll: polled)

        let run = try LocalRun(.makeWordCount(), source: source) { job in
            polled.set { [weak job] call in if call >= 50 { job?.cancel() } }
        }

        #expect(run.summary.state == .cancelled)
        run.expectNothingIsLeft()
    }
}

/// Records that are left out, and the sink that they go to.
@Suite struct RejectingLocalJobTests {
    private static let policy = #":on-error (dead-letter (distributed-path "rejected"))"#

    private static func makeProgram(reduces: Bool, policy: String) throws -> JobProgram {
        try .make(
            map: "(lambda (line) (emit line (/ 6 (count line))))",
            reduce: reduces ? "(lambda (key values) (emit key (sum values)))" : nil,
            options: policy
        )
    }

    @Test(arguments: [true, false])
    func `records that fail go to the sink for them and the others to the output`(reduces: Bool) throws {
        let source = InMemorySource(["aa\n\nb\n\n", "\nccc\n"])

        let run = try LocalRun(
            Self.makeProgram(reduces: reduces, policy: Self.policy),
            source: source,
            deadLetters: InMemorySink()
        )

        let rejected = try #require(run.deadLetters)
        #expect(run.summary.state == .finished)
        #expect(run.sink.lines == ["aa\t3", "b\t6", "ccc\t2"])
        #expect(rejected.lines.count == 3)
        #expect(rejected.lines[0].hasPrefix(#"{"file":"text-0","offset":3,"record":"","error":"#))
        #expect(rejected.commitCount == 1)
        #expect(rejected.openWriterCount == 0)
        #expect(run.summary.rejectedRecords == 3)
        #expect(run.summary.rejectedExamples.count == 3)
        #expect(run.summary.rejectedExamples.map { $0.prefix(18) }.contains("text-0, offset 3: "))
    }

    @Test func `only the first five rejected records are shown`() throws {
        let source = InMemorySource([String(repeating: "\n", count: 20)])

        let run = try LocalRun(Self.makeProgram(reduces: true, policy: ":on-error 'skip"), source: source)

        #expect(run.summary.state == .finished)
        #expect(run.summary.rejectedRecords == 20)
        #expect(run.summary.rejectedExamples.count == 5)
        #expect(run.summary.rejectedExamples.first?.hasPrefix("text-0, offset 0: ") == true)
    }

    @Test func `rejected records that can't be committed keep the output from being seen`() throws {
        let rejected = InMemorySink(fault: .committing)

        let run = try LocalRun(
            Self.makeProgram(reduces: true, policy: Self.policy),
            source: InMemorySource(["a\n\n"]),
            deadLetters: rejected
        )

        #expect(run.summary.state == .failed)
        #expect(run.sink.commitCount == 0)
        #expect(rejected.abortCount == 1)
        run.expectNothingIsLeft()
    }

    @Test(arguments: [InMemorySink.Fault.preparing, .opening(call: 1), .writing(call: 1), .finishing(call: 1)])
    func `a sink for rejected records that breaks fails the job`(fault: InMemorySink.Fault) throws {
        let rejected = InMemorySink(fault: fault)

        let run = try LocalRun(
            Self.makeProgram(reduces: false, policy: Self.policy),
            source: InMemorySource(["a\n\n"]),
            deadLetters: rejected
        )

        #expect(run.summary.state == .failed)
        #expect(rejected.abortCount == 1)
        #expect(rejected.openWriterCount == 0)
        #expect(rejected.partitions == nil)
        run.expectNothingIsLeft()
    }

    @Test func `an output that can't be opened closes the writer for rejected records`() throws {
        let rejected = InMemorySink()

        let run = try LocalRun(
            Self.makeProgram(reduces: false, policy: Self.policy),
            source: InMemorySource(["a\n\n"]),
            sink: InMemorySink(fault: .opening(call: 1)),
            deadLetters: rejected
        )

        #expect(run.summary.state == .failed)
        #expect(rejected.openWriterCount == 0)
        run.expectNothingIsLeft()
    }
}
