/// When a stream takes checkpoints, and which of them exist: a pure core, times in milliseconds of a clock that never goes
/// back.
///
/// ## Order of calls
/// Any inputs in any order; `acknowledged`, `stored` and `storeFailed` of a checkpoint that was given up are ignored.
///
/// Source: Carbone et al., "Lightweight asynchronous snapshots for distributed dataflows", 2015.
package struct CheckpointCoordinator: Sendable {
    package struct Configuration: Hashable, Sendable {
        /// From the start of one checkpoint to the start of the next; nil: only when somebody asks.
        package var interval: Int64? = 10_000

        /// A checkpoint that isn't complete by then is given up.
        package var timeout: Int64 = 600_000

        /// A checkpoint whose parts haven't all come by then overtakes what is on its way between subtasks, and holds it.
        ///
        /// The largest number: it always waits.
        package var alignmentTimeout: Int64 = 10_000

        /// From the end of one to the start of the next at least, so that a job whose checkpoints take long does other work.
        package var minimumPause: Int64 = 0

        /// Complete checkpoints that are kept; at least 1.
        package var retainedCount = 3

        package init() {}
    }

    package enum Input: Hashable, Sendable {
        case tick(now: Int64)
        /// Somebody wants one now: a savepoint, or the last before the end.
        case requested(now: Int64)
        /// The stream is to stop behind a last checkpoint.
        case stopRequested(now: Int64)
        /// A subtask's part has come.
        case acknowledged(Int64, subtask: Int)
        /// The checkpoint is on disk as a whole.
        case stored(Int64, now: Int64)
        case storeFailed(Int64, now: Int64)
    }

    package enum Effect: Hashable, Sendable {
        /// Tell every reading subtask to begin it.
        case trigger(Int64)
        /// The same, and they read nothing behind it: it is the last.
        case triggerLast(Int64)
        /// Tell every subtask to let it overtake what is on its way.
        case overtake(Int64)
        /// All parts have come: write it.
        case store(Int64)
        /// It exists from now on: deliver what belongs to it.
        case complete(Int64)
        /// Forget its parts.
        case abandon(Int64, AbandonReason)
        /// Remove it: newer ones are enough.
        case remove(Int64)
        /// The last one exists: end every reading subtask. Comes once.
        case stop
    }

    package enum AbandonReason: String, Hashable, Sendable {
        case timeout
        case storeFailed = "store-failed"
    }

    private struct Pending {
        let number: Int64
        let startedAt: Int64
        var missing: Set<Int>
        var isStoring = false

        /// Whether it waits for what is on its way: somebody asked for it, who may want to go on at another parallelism.
        let staysAligned: Bool
        var isOvertaking = false
    }

    private let configuration: Configuration
    private let subtaskCount: Int
    private var nextNumber: Int64
    private var pending: Pending?
    private var retained: [Int64]
    private var lastStart: Int64?
    private var lastEnd: Int64?
    private var isRequested = false
    private var stopping = Stopping.no

    private enum Stopping {
        case no
        /// Behind a last checkpoint, whose number isn't known before it begins; one that is given up is taken again.
        case behind(Int64?)
        case stopped
    }

    /// A checkpoint has `subtaskCount` parts; `retained` are the complete ones that exist, oldest first, and `lastNumber` is
    /// the largest number that was ever used, also by one that was given up.
    package init(configuration: Configuration, subtaskCount: Int, retained: [Int64] = [], lastNumber: Int64 = 0) {
        precondition(subtaskCount >= 1 && configuration.retainedCount >= 1, "a checkpoint has parts, and one is kept")
        self.configuration = configuration
        self.subtaskCount = subtaskCount
        self.retained = retained
        self.nextNumber = max(lastNumber, retained.last ?? 0) + 1
    }

    /// The number of the checkpoint that is being taken.
    package var pendingNumber: Int64? { self.pending?.number }

    /// The number that the next one will have.
    package var upcomingNumber: Int64 { self.nextNumber }

    /// The newest complete one.
    package var newest: Int64? { self.retained.last }

    /// Whether it is the last one before a stop: a savepoint.
    package func isLast(_ number: Int64) -> Bool {
        if case .behind(number) = self.stopping { return true }
        return false
    }

    /// Numbers up to this one were used, wherever.
    package mutating func skipNumbers(through number: Int64) { self.nextNumber = max(self.nextNumber, number + 1) }

    /// A number for the checkpoint at the end of the input, which is written without a barrier.
    package mutating func takeNumber() -> Int64 {
        defer { self.nextNumber += 1 }
        return self.nextNumber
    }

    /// The checkpoint at the end of the input exists, and what belongs to it was delivered.
    ///
    /// - Returns: Those that are removed for it.
    package mutating func ended(_ number: Int64) -> [Int64] { self.retain(number) }

    package mutating func step(_ input: Input) -> [Effect] {
        switch input {
        case .tick(let now): return self.tick(now)
        case .requested(let now):
            self.isRequested = true
            return self.tick(now)
        case .stopRequested(let now):
            if case .no = self.stopping { self.stopping = .behind(nil) }
            return self.tick(now)
        case .acknowledged(let number, let subtask):
            guard self.pending?.number == number, self.pending?.isStoring == false else { return [] }
            self.pending?.missing.remove(subtask)
            guard self.pending?.missing.isEmpty == true else { return [] }
            self.pending?.isStoring = true
            return [.store(number)]
        case .stored(let number, let now): return self.complete(number, now)
        case .storeFailed(let number, let now): return self.abandon(number, .storeFailed, now)
        }
    }

    private mutating func tick(_ now: Int64) -> [Effect] {
        if let pending = self.pending {
            // One that is being written isn't given up: what is on disk then must be known.
            guard !pending.isStoring else { return [] }
            if now - pending.startedAt >= self.configuration.timeout {
                return self.abandon(pending.number, .timeout, now)
            }
            return self.overtake(pending, now)
        }
        if self.lastStart == nil { self.lastStart = now }
        switch self.stopping {
        case .no:
            guard self.isRequested || self.isDue(now) else { return [] }
            return [.trigger(self.begin(now))]
        case .behind:
            // One that was under way when the stop was asked for isn't the last: records were read behind it.
            let number = self.begin(now)
            self.stopping = .behind(number)
            return [.triggerLast(number)]
        case .stopped: return []
        }
    }

    private mutating func begin(_ now: Int64) -> Int64 {
        let number = self.nextNumber
        self.nextNumber += 1
        let isLast = if case .no = self.stopping { false } else { true }
        self.pending = Pending(
            number: number,
            startedAt: now,
            missing: Set(0..<self.subtaskCount),
            staysAligned: self.isRequested || isLast
        )
        self.isRequested = false
        self.lastStart = now
        return number
    }

    private mutating func overtake(_ pending: Pending, _ now: Int64) -> [Effect] {
        guard now - pending.startedAt >= self.configuration.alignmentTimeout, !pending.isOvertaking,
            !pending.staysAligned
        else { return [] }
        self.pending?.isOvertaking = true
        return [.overtake(pending.number)]
    }

    private func isDue(_ now: Int64) -> Bool {
        guard let interval = self.configuration.interval, let lastStart = self.lastStart else { return false }
        guard now - lastStart >= interval else { return false }
        return self.lastEnd.map { now - $0 >= self.configuration.minimumPause } ?? true
    }

    private mutating func complete(_ number: Int64, _ now: Int64) -> [Effect] {
        // Nothing was stored that nobody was told to store.
        guard self.pending?.number == number, self.pending?.isStoring == true else { return [] }
        self.pending = nil
        self.lastEnd = now
        var effects: [Effect] = [.complete(number)]
        effects += self.retain(number).map { .remove($0) }
        if self.isLast(number) {
            self.stopping = .stopped
            effects.append(.stop)
        }
        return effects
    }

    /// - Returns: Those that are too many then, oldest first.
    private mutating func retain(_ number: Int64) -> [Int64] {
        self.retained.append(number)
        let surplus = max(0, self.retained.count - self.configuration.retainedCount)
        defer { self.retained.removeFirst(surplus) }
        return Array(self.retained.prefix(surplus))
    }

    private mutating func abandon(_ number: Int64, _ reason: AbandonReason, _ now: Int64) -> [Effect] {
        guard self.pending?.number == number else { return [] }
        self.pending = nil
        self.lastEnd = now
        return [.abandon(number, reason)]
    }
}
