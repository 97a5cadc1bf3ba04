import CoreTypes
import Engine
import EngineTestKit
import Environment
import JobPlan
import Platform
import Storage
import Testing

/// Every store keeps the promises of ``SpillStore``.
@Suite struct SpillStoreLawTests {
    @Test(arguments: 0..<UInt64(4))
    func `a store on a real disk gives back what it was given`(seed: UInt64) throws {
        try checkSpillStore(DiskSpillStore(disk: LocalDisk(), directory: "/tmp"), seed: seed)
    }

    @Test(arguments: 0..<UInt64(4))
    func `a store on a disk in memory gives back what it was given`(seed: UInt64) throws {
        try checkSpillStore(DiskSpillStore(disk: MemoryDisk(), directory: "spill"), seed: seed)
    }

    @Test(arguments: 0..<UInt64(4))
    func `the store of the tests gives back what it was given`(seed: UInt64) throws {
        try checkSpillStore(InMemorySpillStore(), seed: seed)
    }
}

/// Whole stages that spill to a disk.
@Suite struct SpillingJobTests {
    private static let reductions = ["[(count values) (sum values)]", #"(join "," values)"#]
    private static let text = (0..<2_000).map { "a-key-of-some-length-\($0 % 700) \($0 % 90)\n" }.joined()

    @Test(arguments: reductions)
    func `tables that spill to a real disk merge to the same output, and nothing is visible`(
        reduction: String
    ) throws {
        let scratch = try ScratchDirectory()
        let store = DiskSpillStore(disk: LocalDisk(), directory: scratch.path)

        let (spilled, figures) = try Self.run(reduction, store: store, tableBytes: 2 << 10)
        let (held, _) = try Self.run(reduction, store: InMemorySpillStore(), tableBytes: nil)

        #expect(figures.spilledRuns > 24)
        #expect(spilled.lines.count == 700)
        #expect(firstDifference(spilled.partitions ?? [], held.partitions ?? []) == nil)
        #expect(try LocalDisk().list(scratch.path) == [])
    }

    @Test(arguments: [
        (FaultyDisk.Fault.creating, SpillError.Reason.failed), (.writing(call: 1), .noSpace),
        (.writing(call: 20), .noSpace), (.reading(call: 1), .failed), (.reading(call: 30), .failed),
    ])
    func `a disk that refuses is named, and no file is left`(fault: FaultyDisk.Fault, reason: SpillError.Reason) throws
    {
        let scratch = try ScratchDirectory()
        for reduction in Self.reductions {
            let disk = FaultyDisk(LocalDisk(), fault: fault)
            let store = DiskSpillStore(disk: disk, directory: scratch.path)
            var found: SpillError?

            do {
                _ = try Self.run(reduction, store: store, tableBytes: 2 << 10)
            } catch EngineError.spill(let error) {
                found = error
            }

            #expect(found?.reason == reason)
            #expect(found?.message.contains("the test wants it so") == true)
            #expect(try LocalDisk().list(scratch.path) == [])
        }
    }

    @Test func `the space of a stage that fails is used by the next one`() throws {
        let memory = MemoryDisk()
        let store = DiskSpillStore(disk: FaultyDisk(memory, fault: .reading(call: 3)), directory: "spill")
        var sizes: [Int64] = []

        for _ in 0..<3 {
            // The first one fails, and the others must not find less room than it did.
            _ = try? Self.run(Self.reductions[0], store: store, tableBytes: 8 << 10)
            sizes.append(try memory.file.size)
        }

        #expect(sizes[0] > 0)
        #expect(sizes[2] == sizes[1])
    }

    private static func run(
        _ reduction: String,
        store: any SpillStore,
        tableBytes: Int64?
    ) throws -> (InMemorySink, StageRun.Figures) {
        let program = try JobProgram.make(
            map: #"(lambda (line) (let ((f (split line " "))) (emit (nth f 0) (parse-int (nth f 1)))))"#,
            reduce: "(lambda (key values) (emit key \(reduction)))",
            options: ":partitions 2",
            output: ":sorted true"
        )
        let run = StageRun(try program.compiled(PlanOptions(parallelism: 1, tableBytes: tableBytes)), store: store)
        let figures = try run.run(over: InMemorySource([Self.text], blockBytes: 3_000))
        return (run.sink, figures)
    }
}

/// A folder that goes away with its owner.
private final class ScratchDirectory {
    let path = "/tmp/weir-spill-test-\(SystemEntropy().next())"

    init() throws {
        try LocalDisk().createDirectory(self.path)
    }

    deinit {
        // What stays is the machine's to clean up.
        try? LocalDisk().remove(self.path)
    }
}
