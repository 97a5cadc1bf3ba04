internal import CoordinationCore
internal import Platform
internal import Synchronization

/// One subtask as its thread sees it.
protocol Subtask: AnyObject {
    var attempt: SubtaskAttempt { get }

    /// Does a little: a block, some batches, some groups.
    func step() -> SubtaskStep

    /// Gives up: nothing may remain of what it wrote.
    func cancel()
}

enum SubtaskStep {
    /// There may be more to do at once.
    case progressed
    /// Nothing to do until the thread's doorbell rings.
    case waiting
    /// Finished or failed, and reported.
    case ended
}

/// Messages for one subtask, in the order they came.
final class Mailbox: Sendable {
    private let messages = Mutex<[SubtaskMessage]>([])
    private let doorbell: Doorbell

    init(doorbell: Doorbell) {
        self.doorbell = doorbell
    }

    func post(_ message: SubtaskMessage) {
        self.messages.withLock { $0.append(message) }
        self.doorbell.ring()
    }

    func take() -> [SubtaskMessage] {
        self.messages.withLock { messages in
            defer { messages = [] }
            return messages
        }
    }
}
