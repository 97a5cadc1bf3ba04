import CoreTypes
import FluentSyntax
import Testing

@testable import JobPlan

struct JobGraphTests {
    private static let map = ":map (lambda (line) (emit line 1))"
    private static let reduce = ":reduce (lambda (k vs) (emit k (sum vs)))"

    @Test(arguments: [(1, 2), (2, 4), (32, 64), (48, 64), (100, 100)])
    func `a job that doesn't say gets two partitions a subtask, within reason`(parallelism: Int, count: Int) throws {
        let plan = try JobText.plan("\(Self.map) \(Self.reduce)", parallelism: parallelism)

        #expect(plan.graph.partitionCount == count)
        #expect(plan.graph.keyGroupCount >= count)
    }

    @Test func `a job without reduce is one stage in which each subtask writes a partition`() throws {
        let standard = try JobText.plan(Self.map, parallelism: 3).graph
        let asked = try JobText.plan("\(Self.map) :partitions 5", parallelism: 3).graph

        #expect(
            standard.stages.map { $0.operators.map(\.kind.name) } == [["source", "decode", "map", "format", "sink"]]
        )
        #expect(standard.stages.map(\.parallelism) == [3])
        #expect(standard.partitionCount == 3)
        #expect(asked.stages.map(\.parallelism) == [5])
        #expect(asked.partitions(ofSubtask: 4) == 4..<5)
        #expect(asked.memory.reduceTableBytes == 0)
    }

    @Test(arguments: [(1, 1), (1, 7), (3, 7), (7, 7), (4, 128), (5, 1000)])
    func `every partition has one subtask that writes it`(parallelism: Int, partitionCount: Int) throws {
        let text = "\(Self.map) \(Self.reduce) :partitions \(partitionCount)"
        let graph = try JobText.plan(text, parallelism: parallelism).graph

        let owners = (0..<parallelism).flatMap { subtask in graph.partitions(ofSubtask: subtask).map { ($0, subtask) } }

        #expect(owners.map(\.0) == Array(0..<partitionCount))
        #expect(owners.allSatisfy { graph.subtask(ofPartition: $0.0) == $0.1 })
    }

    @Test func `no subtask is without a partition`() throws {
        let graph = try JobText.plan("\(Self.map) \(Self.reduce) :partitions 2", parallelism: 8).graph

        #expect(graph.stages.map(\.parallelism) == [8, 2])
    }

    @Test func `operators keep their ids when others come and go`() throws {
        let combined = try JobText.plan("\(Self.map) \(Self.reduce)").graph
        let plain = try JobText.plan("\(Self.map) :reduce (lambda (k vs) (for (v vs) (emit k v)))").graph

        let ids = Set(combined.stages.flatMap(\.operators).map(\.id.rawValue))
        let fewer = Set(plain.stages.flatMap(\.operators).map(\.id.rawValue))

        #expect(ids.subtracting(fewer) == ["job/combine-0"])
        #expect(fewer.isSubset(of: ids))
    }

    @Test func `shares of the memory add up to its limit`() throws {
        let job = try JobText(
            "(define-mapreduce job :input (distributed-files \"in\") :output (stdout) :memory \"64MiB\" \(Self.map) \(Self.reduce))"
        )

        let memory = PlannedJob(try job.definition(), options: PlanOptions(parallelism: 2)).graph.memory

        #expect(memory.limitBytes == 64 << 20)
        #expect(memory.ioBytes == 8 << 20)
        #expect(memory.exchangeBytes == 8 << 20)
        #expect(memory.combineTableBytes == 8 << 20)
        #expect(memory.reduceTableBytes == 16 << 20)
    }

    @Test func `a limit for tables takes the place of larger parts alone`() throws {
        let job = try JobText(
            "(define-mapreduce job :input (distributed-files \"in\") :output (stdout) :memory \"64MiB\" \(Self.map) \(Self.reduce))"
        )
        let options = PlanOptions(parallelism: 2, tableBytes: 12 << 20)

        let memory = PlannedJob(try job.definition(), options: options).graph.memory

        #expect(memory.tableLimitBytes == 12 << 20)
        #expect(memory.exchangeBytes == 8 << 20)
        #expect(memory.combineTableBytes == 8 << 20)
        #expect(memory.combineBytes == 16 << 20)
        #expect(memory.reduceTableBytes == 12 << 20)
        #expect(memory.reduceBytes == 24 << 20)
    }

    @Test func `the caller's memory limit comes before the job's`() throws {
        let job = try JobText(
            "(define-mapreduce job :input (distributed-files \"in\") :output (stdout) :memory \"64MiB\" \(Self.map))"
        )

        let options = PlanOptions(parallelism: 2, memoryBytes: 32 << 20)

        #expect(PlannedJob(try job.definition(), options: options).graph.memory.limitBytes == 32 << 20)
    }

    @Test func `source and sink are found in their stages`() throws {
        let graph = try JobText.plan("\(Self.map) \(Self.reduce)").graph

        #expect(graph.source?.name == "distributed-files")
        #expect(graph.sink?.name == "distributed-path")
    }

    @Test func `without kernels lines are cut`() {
        let options = PlanOptions(parallelism: 2, kernelsEnabled: false)

        let plan = PlannedJob(WordCount.makeDefinition(), options: options)

        #expect(plan.optimised.decode?.lines == .perLine)
        #expect(plan.reason(.lineElision) == "kernels are off, and the machine takes records")
        #expect(!plan.graph.kernelsEnabled)
    }
}
