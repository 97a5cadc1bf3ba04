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
    package var status = StreamStatus()

    /// Keys of windows whose result was given.
    package var firings: Int64 = 0

    /// Bytes of state in memory, and of windows that are on disk.
    package var stateBytes: Int64 = 0
    package var stateDiskBytes: Int64 = 0
    package var stateKeys: Int64 = 0
    package var completedCheckpoints: Int64 = 0
    package var abandonedCheckpoints: Int64 = 0

    /// Why the last one that was given up was.
    package var checkpointProblem: String?

    /// What was found when it went on from an earlier run: a checkpoint that is damaged.
    package var note: String?

    package init() {}
}
