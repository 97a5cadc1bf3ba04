internal import CoreTypes
internal import Engine

/// Reads several sources as one, that which is furthest behind in event time first: then little waits for the watermark.
final class UnionStreamInput: StreamInput {
    private let inputs: [any StreamInput]

    /// Whose block the stage has.
    private var current: Int?

    /// Which input gave the last block, and how many it gave in a row.
    private var turn = (input: 0, count: 0)

    /// Blocks in a row of one input while others might have some: what is behind because of one silent split mustn't keep
    /// the others waiting.
    private static let turnLimit = 16

    /// - Parameter inputs: One for each source of the stream, in its order.
    init(_ inputs: [any StreamInput]) {
        self.inputs = inputs
    }

    func add(_ splits: [AssignedSplit], to stage: inout StreamMapStage) throws(EngineError) {
        for (index, input) in self.inputs.enumerated() {
            let share = splits.filter { $0.part == index }
            if !share.isEmpty { try input.add(share, to: &stage) }
        }
    }

    func latest(_ clock: WatermarkTracker) -> Int64? { self.inputs.lazy.compactMap { $0.latest(clock) }.min() }

    func poll(_ stage: inout StreamMapStage) throws(EngineError) -> InputPoll {
        var isFinished = true
        for index in self.order(stage.clock) {
            switch try self.inputs[index].poll(&stage) {
            case .block:
                self.current = index
                self.turn = (index, self.turn.input == index ? self.turn.count + 1 : 1)
                return .block
            case .progressed: return .progressed
            case .nothing: isFinished = false
            case .finished: continue
            }
        }
        return isFinished ? .finished : .nothing
    }

    /// The inputs, the one to ask first first.
    private func order(_ clock: WatermarkTracker) -> [Int] {
        let latest = self.inputs.map { $0.latest(clock) ?? WatermarkTracker.end }
        var order = self.inputs.indices.sorted { (latest[$0], $0) < (latest[$1], $1) }
        if self.turn.count >= Self.turnLimit, let position = order.firstIndex(of: self.turn.input) {
            order.append(order.remove(at: position))
        }
        return order
    }

    func endBlock(_ stage: inout StreamMapStage) {
        guard let current = self.current else { return }
        self.inputs[current].endBlock(&stage)
        self.current = nil
    }

    func takeBytes() -> Int64 { self.inputs.reduce(0) { $0 + $1.takeBytes() } }

    func findIdle(_ stage: inout StreamMapStage, now: Int64, idleAfter: Int64) {
        for input in self.inputs { input.findIdle(&stage, now: now, idleAfter: idleAfter) }
    }

    func pace(_ stage: borrowing StreamMapStage, least: Int64, limit: Int64) throws(EngineError) {
        for input in self.inputs { try input.pace(stage, least: least, limit: limit) }
    }

    var heldCount: Int { self.inputs.reduce(0) { $0 + $1.heldCount } }

    var lagRecords: Int64? {
        let known = self.inputs.compactMap(\.lagRecords)
        return known.isEmpty ? nil : known.reduce(0, +)
    }

    var advances: SplitAdvances { self.inputs.reduce(SplitAdvances()) { $0 + $1.advances } }

    func progress(_ stage: borrowing StreamMapStage) -> [SplitProgress] {
        var progress: [SplitProgress] = []
        for input in self.inputs { progress += input.progress(stage) }
        return progress
    }

    func publish(_ progress: [SplitProgress]) {
        for input in self.inputs { input.publish(progress) }
    }

    var warning: String? { self.inputs.lazy.compactMap(\.warning).first }

    func close() {
        for input in self.inputs { input.close() }
    }
}
