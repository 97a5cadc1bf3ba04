internal import Engine
internal import Synchronization

/// Where the reading subtasks of a stream tell each other how far behind they are.
///
/// Isolation: any thread.
final class PaceBoard: Sendable {
    /// Milliseconds by which a split may be ahead of the one that is furthest behind.
    let limit: Int64
    private let leasts: Mutex<[Int64]>

    init(limit: Int64, subtaskCount: Int) {
        self.limit = limit
        self.leasts = Mutex(Array(repeating: WatermarkTracker.end, count: subtaskCount))
    }

    /// Notes the least time of a subtask's active splits, nil where it has none, and answers that of all.
    func exchange(_ least: Int64?, of subtask: Int) -> Int64 {
        self.leasts.withLock { leasts in
            leasts[subtask] = least ?? WatermarkTracker.end
            return leasts.min() ?? WatermarkTracker.end
        }
    }
}
