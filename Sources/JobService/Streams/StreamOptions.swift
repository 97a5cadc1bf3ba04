package import CoordinationCore
package import Storage

/// How a stream is to be run: what the command line says.
package struct StreamOptions: Sendable {
    /// Where checkpoints live; nil: none are taken.
    package var store: (any CheckpointStore)?

    /// Where that is, and where what isn't delivered waits.
    package var stateDirectory: String?
    package var checkpoints = CheckpointCoordinator.Configuration()

    /// Whether it goes on from the newest checkpoint that can be read.
    package var resumes = false

    /// The checkpoint of another place to begin from; ``store`` is empty then.
    package var beginning: (store: any CheckpointStore, number: Int64)?

    /// Milliseconds without input after which it stops by itself; nil: never.
    package var untilIdle: Int64?

    /// Whether all windows are fired when it is stopped, as if event time had come to its end.
    package var drains = false

    /// Whether state that no operator of the job claims may be dropped.
    package var allowsDrop = false

    /// Whether output that may have been delivered may be delivered again.
    package var allowsDuplicates = false

    package init() {}
}

/// What a running stream has done so far, beside what any job has.
package struct StreamFigures: Hashable, Sendable {
    /// The least watermark, in milliseconds since 1970; nil: none yet.
    package var watermark: Int64?

    /// The split that holds it back.
    package var slowestSplit: String?
    package var lateRecords: Int64 = 0

    /// Keys of windows whose result was given.
    package var firings: Int64 = 0
    package var stateBytes: Int64 = 0
    package var stateKeys: Int64 = 0
    package var backPressuredCount = 0

    /// What hinders reading at present: a broker that can't be reached.
    package var warning: String?

    /// The newest complete checkpoint, when it was complete, how long it took and its bytes on disk.
    package var checkpoint: CheckpointFigures?
    package var completedCheckpoints: Int64 = 0
    package var abandonedCheckpoints: Int64 = 0

    /// Why the last one that was given up was.
    package var checkpointProblem: String?

    package init() {}
}

package struct CheckpointFigures: Hashable, Sendable {
    package let number: Int64
    package let milliseconds: Int64
    package let byteCount: Int64

    /// Milliseconds since it was complete.
    package let age: Int64
}
