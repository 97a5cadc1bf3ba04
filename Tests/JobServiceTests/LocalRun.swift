import ConnectorKit
import CoordinationCore
import CoreTypes
import Engine
import EngineTestKit
import JobPlan
import JobService
import Testing
import WorkerService

/// One job over connectors in memory, run to its end on threads.
struct LocalRun {
    let source: InMemorySource
    let sink: InMemorySink
    let deadLetters: InMemorySink?
    let summary: JobSummary
    let snapshot: JobSnapshot

    /// Whether a thread still refers to what the job used.
    let isHeld: Bool

    /// - Parameters:
    ///   - program: What is run.
    ///   - source: Where its records come from.
    ///   - sink: Where its output goes.
    ///   - deadLetters: Where rejected records go.
    ///   - spillFault: What goes wrong in the spill store.
    ///   - options: How it is planned; its parallelism is the number of threads too.
    ///   - prepare: Gets the job before it runs; must not keep it.
    /// - Throws: The program can't be compiled.
    init(
        _ program: JobProgram,
        source: InMemorySource,
        sink: InMemorySink = InMemorySink(),
        deadLetters: InMemorySink? = nil,
        spillFault: InMemorySpillStore.Fault? = nil,
        options: PlanOptions = PlanOptions(parallelism: 2),
        prepare: (LocalJob) -> Void = { _ in }
    ) throws {
        self.source = source
        self.sink = sink
        self.deadLetters = deadLetters
        weak var held: InMemorySpillStore?
        do {
            let store = InMemorySpillStore(fault: spillFault)
            held = store
            let job = LocalJob(
                id: JobID(rawValue: "job-1"),
                job: try program.compiled(options),
                endpoints: WorkerEndpoints(source: source, sink: sink, deadLetters: deadLetters, spill: store),
                source: program.source,
                threadCount: options.parallelism
            )
            prepare(job)
            self.summary = job.run()
            self.snapshot = job.snapshot()
        }
        self.isHeld = held != nil
    }

    /// Checks what is true of every job that didn't finish, whatever the reason.
    func expectNothingIsLeft(location: Testing.SourceLocation = #_sourceLocation) {
        #expect(self.sink.partitions == nil, "no output is visible", sourceLocation: location)
        #expect(self.sink.abortCount == 1, "the sink is aborted once", sourceLocation: location)
        #expect(self.sink.events.last == .aborted, "nothing is written afterwards", sourceLocation: location)
        #expect(self.sink.openWriterCount == 0, "every writer has ended", sourceLocation: location)
        #expect(self.source.calls.opened == self.source.calls.closed, "readers are closed", sourceLocation: location)
        #expect(!self.isHeld, "no thread is left", sourceLocation: location)
    }
}

extension LocalRun: CustomTestStringConvertible {
    var testDescription: String { "a job that is \(self.summary.state)" }
}

extension JobProgram {
    /// Counts the words of lines.
    static func makeWordCount(options: String = ":partitions 3") throws -> JobProgram {
        try .make(
            map: #"(lambda (line) (for (word (split line " ")) (emit word 1)))"#,
            reduce: "(lambda (word counts) (emit word (sum counts)))",
            options: options
        )
    }

    /// Writes lines as they are, under their offset.
    static func makeCopy(options: String = "") throws -> JobProgram {
        try .make(map: "(lambda (offset line) (emit offset line))", options: options)
    }
}
