/// Where a job is in its life.
///
///     created → planned → running → finishing → finished
///                            ↓          ↓
///                    restarting ⇄ running, failing → failed, cancelling → cancelled
package enum JobState: String, Hashable, Sendable {
    /// Submitted; nothing is known but its graph.
    case created
    /// Its splits are known and its sinks are being prepared.
    case planned
    case running
    /// An attempt failed; once the others of its region have stopped, all of them start again.
    case restarting
    /// Every subtask has finished; the sinks are being committed.
    case finishing
    case finished
    /// Something failed for good; subtasks are being stopped, then the sinks are aborted.
    case failing
    case failed
    /// As ``failing``, because somebody asked for it.
    case cancelling
    case cancelled

    /// Whether nothing will happen any more.
    package var isTerminal: Bool {
        switch self {
        case .finished, .failed, .cancelled: true
        case .created, .planned, .running, .restarting, .finishing, .failing, .cancelling: false
        }
    }
}

/// Where one attempt at a subtask is in its life.
package enum AttemptState: String, Hashable, Sendable {
    /// A worker was told to start it.
    case scheduled
    case running
    /// It was told to stop, and hasn't yet.
    case cancelling
    case finished
    case failed
    case cancelled

    /// Whether it is over: nothing that comes from it counts.
    package var hasEnded: Bool {
        switch self {
        case .finished, .failed, .cancelled: true
        case .scheduled, .running, .cancelling: false
        }
    }
}
