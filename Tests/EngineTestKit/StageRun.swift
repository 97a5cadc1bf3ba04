package import ConnectorKit
internal import CoreTypes
package import Engine
internal import JobPlan
package import WireFormat

/// A job run stage by stage on the calling thread, in the same order every time.
package struct StageRun {
    package let job: CompiledJob
    package let sink: InMemorySink
    package let store: any SpillStore

    /// What came of it.
    package struct Figures: Hashable, Sendable {
        package var spilledRuns = 0
        package var spilledBytes: Int64 = 0
        package var pairs = 0
        package var keys = 0
        package var rejected = 0

        package init() {}
    }

    package init(
        _ job: CompiledJob,
        sink: InMemorySink = InMemorySink(),
        store: any SpillStore = InMemorySpillStore()
    ) {
        self.job = job
        self.sink = sink
        self.store = store
    }

    /// Maps the source's splits, dealt to the subtasks in turn, reduces, and commits.
    ///
    /// - Throws: What a stage threw; it was discarded before.
    package func run(over source: InMemorySource) throws -> Figures {
        var figures = Figures()
        let (batches, parts) = try self.map(source, &figures)
        guard self.job.graph.stages.count > 1 else {
            try self.sink.commit(parts)
            return figures
        }
        var results: [SinkPart] = []
        for subtask in 0..<self.job.graph.stages[1].parallelism {
            results += try self.reduce(
                batches.filter { $0.destination == subtask }.map(\.batch),
                subtask: subtask,
                &figures
            )
        }
        try self.sink.commit(results)
        return figures
    }

    /// Every batch that the map ships, in order, and the parts that it wrote.
    package func map(
        _ source: InMemorySource,
        _ figures: inout Figures
    ) throws -> (batches: [RoutedBatch], parts: [SinkPart]) {
        let count = self.job.graph.stages[0].parallelism
        var batches: [RoutedBatch] = []
        var parts: [SinkPart] = []
        for subtask in 0..<count {
            var stage = try self.job.makeMapStage(subtask: subtask, attempt: 1, sink: self.sink, deadLetters: nil)
            do {
                for split in source.splits where split.id.rawValue % count == subtask {
                    try self.read(split, of: source, into: &stage, &batches)
                }
                try stage.finish()
            } catch {
                stage.discard()
                throw error
            }
            batches += stage.takeReady()
            parts += stage.parts
            figures.pairs += stage.figures.pairs
            figures.rejected += stage.figures.rejected
        }
        return (batches, parts)
    }

    private func read(
        _ split: Split,
        of source: InMemorySource,
        into stage: inout MapStage,
        _ batches: inout [RoutedBatch]
    ) throws {
        let block = SourceBlock(capacity: 1 << 16)
        let reader = try source.makeReader(for: split, framing: self.job.framing)
        defer { reader.close() }
        while try reader.poll(into: block) == .block {
            stage.begin(block, of: split)
            while try stage.step() { batches += stage.takeReady() }
            batches += stage.takeReady()
        }
        try stage.endSplit()
    }

    /// Reduces what arrives at one subtask.
    package func reduce(
        _ batches: [RecordBatch],
        subtask: Int,
        _ figures: inout Figures
    ) throws -> [SinkPart] {
        var stage = self.job.makeReduceStage(
            subtask: subtask,
            attempt: 1,
            sink: self.sink,
            deadLetters: nil,
            store: self.store
        )
        do {
            for batch in batches { try stage.receive(batch) }
            try stage.endInput()
            while try stage.step() {}
            let parts = try stage.finish()
            figures.spilledRuns += stage.spilledRunCount
            figures.spilledBytes += stage.spilledBytes
            figures.keys += stage.keyCount
            figures.rejected += stage.rejectedCount
            return parts
        } catch {
            stage.discard()
            throw error
        }
    }
}
