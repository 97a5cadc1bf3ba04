internal import Engine

/// What becomes of the records that a keyed stage hands on.
///
/// Isolation: one worker thread.
protocol KeyedOutput: AnyObject {
    /// Takes records, which must stay as they are until ``step()`` answers false.
    func begin(_ records: EmittedRecords) throws(EngineError)

    /// Works on them for a while; false when it is done.
    func step() throws(EngineError) -> Bool

    /// Event time has come so far for everything that was handed on.
    func pass(_ watermark: Int64, isIdle: Bool)

    /// The clock has come so far, for windows that fire before their end.
    func pass(clock now: Int64)

    /// The checkpoint of this number comes here.
    func barrier(_ checkpoint: Int64)

    /// Nothing follows.
    func end()

    /// Sends what is ready.
    ///
    /// - Returns: False when something didn't fit: the doorbell rings when it may.
    func send() -> Bool

    /// Sends what is ready up to the barrier of a checkpoint, if that is there, however full the next stage is.
    func push(throughBarrier checkpoint: Int64)

    /// Sends everything that is ready, however full the next stage is.
    func pushAll()

    /// Records that its functions failed on.
    var rejectedCount: Int { get }
    var rejectedExamples: [RejectedRecord] { get }
}

/// Hands records on to another stage.
final class StageOutput: KeyedOutput {
    private var stage: StreamMapStage
    private var channels: OutgoingChannels

    init(_ stage: consuming StreamMapStage, _ channels: OutgoingChannels) {
        self.stage = stage
        self.channels = channels
    }

    func begin(_ records: EmittedRecords) { self.stage.begin(records) }

    func step() throws(EngineError) -> Bool {
        let hasMore = try self.stage.step()
        if !hasMore || self.stage.isFull { self.channels.add(self.stage.takeReady()) }
        return hasMore
    }

    func pass(_ watermark: Int64, isIdle: Bool) {
        self.stage.pass(watermark, isIdle: isIdle, isForced: true)
        self.channels.add(self.stage.takeReady())
    }

    func pass(clock now: Int64) {
        self.stage.pass(clock: now)
        self.channels.add(self.stage.takeReady())
    }

    func barrier(_ checkpoint: Int64) {
        self.stage.barrier(checkpoint)
        self.channels.add(self.stage.takeReady())
    }

    func end() {
        self.stage.end()
        self.channels.add(self.stage.takeReady())
    }

    func send() -> Bool { self.channels.send() }
    func push(throughBarrier checkpoint: Int64) { self.channels.push(throughBarrier: checkpoint) }
    func pushAll() { self.channels.pushAll() }

    var rejectedCount: Int { self.stage.figures.rejected }
    var rejectedExamples: [RejectedRecord] { self.stage.rejectedExamples }
}

/// Writes records for the sink, at the end of a stream without a window.
final class SinkOutput: KeyedOutput {
    private var stage: SinkStage

    init(_ stage: consuming SinkStage) {
        self.stage = stage
    }

    func begin(_ records: EmittedRecords) throws(EngineError) { try self.stage.write(records) }

    func step() -> Bool { false }
    func pass(_ watermark: Int64, isIdle: Bool) {}
    func pass(clock now: Int64) {}
    func barrier(_ checkpoint: Int64) {}
    func end() {}
    func send() -> Bool { true }
    func push(throughBarrier checkpoint: Int64) {}
    func pushAll() {}

    var rejectedCount: Int { self.stage.rejectedCount }
    var rejectedExamples: [RejectedRecord] { self.stage.rejectedExamples }
}

/// The channels from one subtask to those of the next stage, and what waits before them.
struct OutgoingChannels {
    private let inboxes: [StreamInbox]

    /// The number of the subtask, and of its channel.
    private let index: Int

    /// Whether records go by key; otherwise to the subtask of the same number.
    private let isKeyed: Bool
    private var waiting: [(inbox: Int, element: StreamElement)] = []
    private var sentCount = 0

    init(_ inboxes: [StreamInbox], index: Int, isKeyed: Bool) {
        self.inboxes = inboxes
        self.index = index
        self.isKeyed = isKeyed
    }

    var isEmpty: Bool { self.waiting.isEmpty }

    mutating func add(_ elements: [RoutedElement]) {
        for routed in elements {
            if let destination = routed.destination {
                self.waiting.append((self.isKeyed ? destination : self.index, routed.element))
            } else {
                for inbox in self.inboxes.indices { self.waiting.append((inbox, routed.element)) }
            }
        }
    }

    /// - Returns: False when an element didn't fit: the doorbell rings when it may.
    mutating func send() -> Bool {
        while self.sentCount < self.waiting.count {
            let next = self.waiting[self.sentCount]
            guard self.inboxes[next.inbox].offer(next.element, channel: self.index) else { return false }
            self.sentCount += 1
        }
        self.removeAll()
        return true
    }

    /// Sends everything up to the barrier of a checkpoint, if that is there, however full the next stage is.
    mutating func push(throughBarrier checkpoint: Int64) {
        let last = self.waiting.lastIndex { waiting in
            if case .barrier(checkpoint) = waiting.element { true } else { false }
        }
        if let last, last >= self.sentCount { self.push(last + 1) }
    }

    mutating func pushAll() { self.push(self.waiting.count) }

    private mutating func push(_ end: Int) {
        let elements = Dictionary(grouping: self.waiting[self.sentCount..<end]) { $0.inbox }
        for (inbox, elements) in elements { self.inboxes[inbox].push(elements.map(\.element), channel: self.index) }
        self.sentCount = end
        if end == self.waiting.count { self.removeAll() }
    }

    mutating func removeAll() {
        self.waiting.removeAll(keepingCapacity: true)
        self.sentCount = 0
    }
}
