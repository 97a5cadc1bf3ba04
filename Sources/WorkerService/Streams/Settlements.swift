internal import Platform
internal import Synchronization

/// What became of checkpoints that a subtask has handed its state over for, until it looks.
///
/// Isolation: any thread posts, the subtask takes. As many wait as checkpoints end between two steps of the subtask.
final class Settlements: Sendable {
    struct Settlement: Sendable {
        let checkpoint: Int64
        let isStored: Bool
    }

    private let waiting = Mutex<[Settlement]>([])
    private let doorbell: Doorbell

    init(doorbell: Doorbell) {
        self.doorbell = doorbell
    }

    func post(_ settlement: Settlement) {
        self.waiting.withLock { $0.append(settlement) }
        self.doorbell.ring()
    }

    func take() -> [Settlement] {
        self.waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}
