package import ConnectorKit
package import CoreTypes
package import Engine

/// Which subtask of a stream it is.
package struct StreamSubtaskID: Hashable, Sendable {
    package enum Stage: Hashable, Sendable {
        case source
        /// The keyed stages between what reads and the window, or the sink, by their number from 0.
        case keyed(Int)
        case window
    }

    package let stage: Stage
    package let index: Int

    package init(_ stage: Stage, _ index: Int) {
        self.stage = stage
        self.index = index
    }

    /// The place of its stage in the chain of a stream: 0 is what reads.
    package func position(in stream: CompiledStream) -> Int {
        switch self.stage {
        case .source: 0
        case .keyed(let number): number + 1
        case .window: stream.stageCount
        }
    }
}

/// A subtask's part of a checkpoint.
package struct SubtaskSnapshot: Sendable {
    package enum Content: Sendable {
        case source([SplitProgress])
        /// What it keeps of windows or keys; nobody changes it before it is told that the checkpoint is settled.
        case state(StageSnapshot)
    }

    package let content: Content

    /// What its writers ended for this checkpoint.
    package let outputs: [WrittenOutput]

    /// What was on its way to it, where the checkpoint didn't wait for that.
    package let overtaken: OvertakenElements?

    package init(content: Content, outputs: [WrittenOutput], overtaken: OvertakenElements? = nil) {
        self.content = content
        self.outputs = outputs
        self.overtaken = overtaken
    }
}

/// What was on its way to a subtask when a checkpoint overtook it.
package struct OvertakenElements: Sendable {
    package let content: EncodedState

    /// How far time comes with all of it.
    package let watermark: Int64

    /// - Returns: Nil where there is nothing.
    init?(_ elements: ChannelElements) {
        guard !elements.chunks.isEmpty else { return nil }
        self.content = EncodedState(elements.chunks)
        self.watermark = elements.watermark
    }
}

/// What a subtask leaves when it has come to its end.
package struct SubtaskRemainder: Sendable {
    /// What it wrote since its last checkpoint.
    package let outputs: [WrittenOutput]
    package let rejected: [RejectedRecord]

    /// Where a reading subtask was.
    package let splits: [SplitProgress]
}

/// What a writer ended, to be made visible when its checkpoint exists.
package struct WrittenOutput: Hashable, Sendable {
    package enum Sink: Hashable, Sendable {
        case output
        case alerts
        case late
        case deadLetters
        /// A side output, by the name that the program gives it.
        case side(String)

        /// What checkpoints call it.
        package var rawValue: String {
            switch self {
            case .output: "output"
            case .alerts: "alerts"
            case .late: "late"
            case .deadLetters: "dead-letters"
            case .side(let name): "side-\(name)"
            }
        }
    }

    package let sink: Sink

    /// Which of the sink's writers: several stages may have one.
    package let subtask: Int

    /// What the sink needs to find it again.
    package let token: String

    package init(sink: Sink, subtask: Int, token: String) {
        self.sink = sink
        self.subtask = subtask
        self.token = token
    }
}

/// What the subtasks of a stream tell whoever runs it.
///
/// Called from any worker thread; returns at once.
package protocol StreamReport: AnyObject, Sendable {
    /// A subtask's part of a checkpoint; what it wrote before is delivered.
    func snapshot(_ snapshot: SubtaskSnapshot, of subtask: StreamSubtaskID, checkpoint: Int64)

    /// A subtask has nothing more to do.
    func finished(_ subtask: StreamSubtaskID, _ remainder: SubtaskRemainder)

    /// A subtask can't go on.
    func failed(_ subtask: StreamSubtaskID, _ error: EngineError)

    /// A subtask has given up, as it was told to.
    func cancelled(_ subtask: StreamSubtaskID)
}

/// One message to a reading subtask.
package enum StreamMessageToSource: Sendable {
    /// Time goes on: milliseconds of a clock that never goes back.
    case tick(Int64)
    /// These splits are its own from now on.
    case add([AssignedSplit])
    /// No split will be added any more.
    case noMoreSplits
    /// Take part in the checkpoint of this number here, and where it is the last, read nothing behind it.
    case checkpoint(Int64, isLast: Bool)
    /// A checkpoint is complete: what stands in it may be told to those who watch.
    case completed(Int64)
    /// Read no further; where `fires`, the windows that are open come to their end.
    case stop(fires: Bool)
}

/// A split and where to begin in it.
package struct AssignedSplit: Sendable {
    /// Which source of the stream it is a split of.
    package let part: Int

    /// What the program calls that source; empty where it has no name.
    package let sourceName: String

    /// What it is called in checkpoints.
    package let name: String

    /// What its source calls it.
    package let localName: String
    package let position: Int64
    package let latest: Int64

    /// What a source of files reads; nil for splits of streams.
    package let split: Split?

    package init(_ found: FoundSplit, position: Int64, latest: Int64) {
        self.part = found.part
        self.sourceName = found.sourceName
        self.name = found.name
        self.localName = found.localName
        self.position = position
        self.latest = latest
        self.split = found.split
    }
}
