internal import Environment
internal import Platform
internal import Synchronization

/// Pinned threads that run subtasks, each thread its share in turn: one that waits is asked again when its thread's doorbell
/// rings.
///
/// ## Order of calls
/// `start` once, then `join` once; `cancelAll` from any thread meanwhile.
final class SubtaskThreads: Sendable {
    let doorbells: [Doorbell]
    private let name: String
    private let isCancelled = Atomic<Bool>(false)
    private let threads = Mutex<PinnedThreads?>(nil)

    init(count: Int, name: String) {
        precondition(count >= 1, "a worker has a thread")
        self.doorbells = (0..<count).map { _ in Doorbell() }
        self.name = name
    }

    /// Makes every subtask give up at its next step.
    func cancelAll() {
        self.isCancelled.store(true, ordering: .releasing)
        for doorbell in self.doorbells { doorbell.ring() }
    }

    /// Whether every subtask is to give up: for work that takes long within a step.
    var isCancelledNow: @Sendable () -> Bool { { self.isCancelled.load(ordering: .relaxed) } }

    /// Starts the threads; `body` is called on each, with its number.
    func start(_ body: @escaping @Sendable (Int) -> Void) throws(EnvironmentError) {
        try self.threads.withLock { held throws(EnvironmentError) in
            held = try PinnedThreads(count: self.doorbells.count, name: self.name, body: body)
        }
    }

    /// Waits until every thread has ended.
    func join() {
        // Held while waiting: nobody but the one who started the threads asks for them.
        self.threads.withLock { $0.take()?.join() }
    }

    /// Steps the subtasks of a thread until all have ended, or all are told to give up: `cancel` is then called with each.
    func run<Member>(
        _ members: [Member],
        thread: Int,
        step: (Member) -> SubtaskStep,
        cancel: (Member) -> Void
    ) {
        var members = members
        while !members.isEmpty {
            if self.isCancelled.load(ordering: .acquiring) {
                members.forEach(cancel)
                return
            }
            var hasProgressed = false
            members.removeAll { member in
                switch step(member) {
                case .progressed:
                    hasProgressed = true
                    return false
                case .waiting:
                    return false
                case .ended:
                    hasProgressed = true
                    return true
                }
            }
            if !hasProgressed { self.doorbells[thread].wait() }
        }
    }
}
