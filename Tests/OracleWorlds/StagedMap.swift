import ConnectorKit
import CoreTypes
import Engine
import FluentSyntax
import JobPlan
import ReferenceInterpreter
import WireFormat

/// Runs a generated job through the engine's own stages on one thread, with kernels or without.
struct StagedMap {
    /// Far beyond what a generated program needs.
    private static let limits = MachineLimits(steps: 3_000_000, memoryBytes: 64 << 20)

    /// Whether the map runs as kernels.
    let hasKernels: Bool
    private let map: GeneratedMap
    private let job: CompiledJob
    private let sink: MemorySink
    private let policySkips: Bool

    /// Nil where the compiler refuses the job.
    init?(_ map: GeneratedMap, _ definition: JobDefinition, kernelsEnabled: Bool) {
        let options = PlanOptions(parallelism: map.parallelism, kernelsEnabled: kernelsEnabled)
        let graph = PlannedJob(definition, options: options).graph
        guard let job = try? CompiledJob(graph, limits: Self.limits) else { return nil }
        self.map = map
        self.job = job
        self.hasKernels = job.hasKernels
        self.sink = MemorySink()
        self.policySkips = definition.onError != .fail
    }

    func outcome() -> MapOutcome {
        do throws(EngineError) {
            return try self.run()
        } catch {
            switch error {
            case .evaluation(let error, let place):
                guard error.isCatchable else { return .limited }
                return .failed([MapOutcome.Failure(error, at: place.text)])
            case .undecodable(let reason, _), .unreadable(_, let reason), .corrupt(let reason): return .broken(reason)
            case .connector(let error): return .broken(error.message)
            case .spill(let error): return .broken(error.message)
            case .cancelled: return .broken("cancelled")
            }
        }
    }

    private func run() throws(EngineError) -> MapOutcome {
        let graph = self.job.graph
        var written = MapOutcome.Written()
        var batches: [RoutedBatch] = []
        for subtask in 0..<graph.stages[0].parallelism {
            try self.runMap(subtask, into: &batches, &written)
        }
        let hasReduce = graph.stages.count > 1
        if hasReduce { try self.runReduce(batches, &written) }
        let parts = self.sink.parts.map { Self.lines($0) }
        written.parts = parts
        if hasReduce { written.parts = [parts.flatMap(\.self).sorted { $0.lexicographicallyPrecedes($1) }] }
        return .written(written)
    }

    private func runMap(
        _ subtask: Int,
        into batches: inout [RoutedBatch],
        _ written: inout MapOutcome.Written
    ) throws(EngineError) {
        var stage = try self.job.makeMapStage(subtask: subtask, attempt: 0, sink: self.sink, deadLetters: nil)
        for (index, file) in self.map.files(ofSubtask: subtask) {
            let split = Split(
                id: SplitID(rawValue: index),
                resource: GeneratedMap.name(ofFile: index),
                start: 0,
                end: nil,
                weightBytes: 0
            )
            var position: Int64 = 0
            for bytes in file.blocks {
                let block = SourceBlock(holding: bytes, at: position)
                position += Int64(bytes.count)
                stage.begin(block, of: split)
                while try stage.step() { batches += stage.takeReady() }
                batches += stage.takeReady()
            }
            try stage.endSplit()
        }
        try stage.finish()
        batches += stage.takeReady()
        let figures = stage.figures
        written.recordCount += figures.records
        written.pairCount += figures.pairs
        written.rejectedCount += figures.rejected
        written.rejected += stage.rejectedExamples.map { MapOutcome.Failure($0) }
    }

    private func runReduce(
        _ batches: [RoutedBatch],
        _ written: inout MapOutcome.Written
    ) throws(EngineError) {
        for subtask in 0..<self.job.graph.stages[1].parallelism {
            var stage = self.job.makeReduceStage(
                subtask: subtask,
                attempt: 0,
                sink: self.sink,
                deadLetters: nil,
                store: NoSpill()
            )
            for routed in batches where routed.destination == subtask { try stage.receive(routed.batch) }
            try stage.endInput()
            while try stage.step() {}
            _ = try stage.finish()
            written.rejectedCount += stage.rejectedCount
        }
    }

    /// Every line of an output has an end.
    private static func lines(_ bytes: [UInt8]) -> [[UInt8]] {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast().map { Array($0) }
    }
}

extension SourceBlock {
    /// A block with something behind its end, which nobody may take for its own.
    fileprivate convenience init(holding bytes: [UInt8], at position: Int64) {
        self.init(capacity: max(bytes.count, 1))
        let behind: [UInt8] = Array("behind the end\r\n, é ".utf8)
        for (index, byte) in bytes.enumerated() {
            unsafe self.base.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
        }
        for index in 0..<Self.padding {
            let byte = behind[index % behind.count]
            unsafe self.base.storeBytes(of: byte, toByteOffset: bytes.count + index, as: UInt8.self)
        }
        self.count = bytes.count
        self.position = position
    }
}

extension RecordPlace {
    fileprivate var text: String {
        // Scalars of a key may combine with what stands before them, which makes another character of it.
        let prefix = "the values of key ".utf8
        guard self.resource.utf8.starts(with: prefix) else { return "\(self.resource):\(self.offset)" }
        return MapOutcome.place(ofKey: String(decoding: self.resource.utf8.dropFirst(prefix.count), as: UTF8.self))
    }
}

extension MapOutcome.Failure {
    fileprivate init(_ rejected: RejectedRecord) {
        self.init(place: rejected.place.text, reason: rejected.reason, range: rejected.range)
    }
}
