import ConnectorKit
import CoreTypes
import EngineTestKit
import JobPlan
import Testing

@testable import Engine

/// A store that breaks at each call in turn: the stage says so and nothing is left.
@Suite struct SpillFaultTests {
    /// Aggregates, groups, and groups with a key so large that a second look at its values needs the disk.
    enum Work: CaseIterable {
        case aggregates
        case groups
        case spooled

        var reduction: String {
            switch self {
            case .aggregates: "[(count values) (min values)]"
            case .groups: #"(join "," values)"#
            case .spooled: "[(reduce (lambda (n v) (+ n 1)) 0 values) (reduce (lambda (n v) (+ n (count v))) 0 values)]"
            }
        }

        var text: String {
            switch self {
            case .aggregates, .groups: (0..<700).map { "key-\($0 % 300) value-\($0)\n" }.joined()
            case .spooled:
                (0..<70).map { "key-\($0 / 68) \(String(repeating: "v", count: 9_000))\n" }.joined()
            }
        }
    }

    /// Calls that are tried of each kind: the first ones, and some of the others.
    private static let tryLimit = 6

    @Test(arguments: Work.allCases)
    func `each call of the store that fails stops the stage and leaves nothing`(work: Work) throws {
        let job = try Self.compile(work)
        let whole = InMemorySpillStore()
        _ = try StageRun(job, store: whole).run(over: InMemorySource([work.text], blockBytes: 2_000))
        let calls = whole.calls
        #expect(calls.runs > 5 && calls.appends > 5 && calls.reads > 5)

        for fault in Self.faults(within: calls) {
            let store = InMemorySpillStore(fault: fault)
            let run = StageRun(job, store: store)
            var found: SpillError?
            do {
                _ = try run.run(over: InMemorySource([work.text], blockBytes: 2_000))
            } catch let error as EngineError {
                if case .spill(let error) = error { found = error }
            }
            #expect(found == .injected, "\(fault)")
            #expect(store.calls.alive == 0, "\(fault)")
            #expect(run.sink.openWriterCount == 0, "\(fault)")
            #expect(run.sink.commitCount == 0, "\(fault)")
        }
    }

    private static func compile(_ work: Work) throws -> CompiledJob {
        try JobProgram.make(
            map: #"(lambda (line) (let ((f (split line " "))) (emit (nth f 0) (nth f 1))))"#,
            reduce: "(lambda (key values) (emit key \(work.reduction)))",
            options: ":partitions 2"
        )
        .compiled(PlanOptions(parallelism: 1, tableBytes: 4 << 10))
    }

    private static func faults(within calls: InMemorySpillStore.Calls) -> [InMemorySpillStore.Fault] {
        func some(_ count: Int) -> [Int] {
            let others = stride(from: 1, through: count, by: max(count / Self.tryLimit, 1))
            return Set(others).union(1...min(count, 3)).sorted()
        }
        return some(calls.runs).map { .makingRun(call: $0) } + some(calls.appends).map { .appending(call: $0) }
            + some(calls.finishes).map { .finishing(call: $0) } + some(calls.readers).map { .opening(call: $0) }
            + some(calls.reads).map { .reading(call: $0) }
    }
}
