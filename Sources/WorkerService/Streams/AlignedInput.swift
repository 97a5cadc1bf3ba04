internal import Engine
internal import WireFormat

/// What comes to a subtask over its channels, each in its order; channels whose barrier has come wait until all have: what lies
/// between the barriers is one checkpoint's, unless the checkpoint overtakes it.
struct AlignedInput {
    enum Arrival {
        /// States that keys got in the slice that begins at a time.
        case slice(Int64, RecordBatch)
        /// Single records.
        case timed(RecordBatch)
        /// How far event time has come over all channels, or which of them hold it back, is perhaps another.
        case time(Int64)
        /// What the clock said when all channels had sent what they had by then.
        case clock(Int64)
        /// A channel's barrier or end, or its clock alone.
        case mark
    }

    private let inbox: StreamInbox
    private var clock: ChannelClock
    private var ended: [Bool]
    private var aligned: [Bool]

    /// What the clock of each channel's sender said last.
    private var ticks: [Int64]
    private var nextChannel = 0

    /// The checkpoint whose barrier has come from some channel.
    private(set) var checkpoint: Int64?

    /// The one that was taken last: its barrier, and those before it, mean nothing any more where they come later.
    private var takenNumber = Int64.min

    init(_ inbox: StreamInbox) {
        self.inbox = inbox
        self.clock = ChannelClock(channelCount: inbox.channelCount)
        self.ended = Array(repeating: false, count: inbox.channelCount)
        self.aligned = self.ended
        self.ticks = Array(repeating: .min, count: inbox.channelCount)
    }

    /// Whether every channel that goes on has come to the barrier.
    var isAligned: Bool { self.aligned.indices.allSatisfy { self.aligned[$0] || self.ended[$0] } }

    /// Whether nothing will come any more.
    var hasEnded: Bool { self.ended.allSatisfy { $0 } }

    /// Whether no channel holds time back.
    var isIdle: Bool { self.clock.isWhollyIdle }

    /// The next element, the channels taken in turn; nil where there is none just now.
    mutating func next() -> Arrival? {
        for _ in 0..<self.inbox.channelCount {
            let channel = self.nextChannel
            self.nextChannel = (channel + 1) % self.inbox.channelCount
            guard !self.aligned[channel], !self.ended[channel] else { continue }
            guard let element = self.inbox.take(from: channel) else { continue }
            return self.take(element, from: channel)
        }
        return nil
    }

    private mutating func take(_ element: StreamElement, from channel: Int) -> Arrival {
        switch element {
        case .slice(let start, let batch): return .slice(start, batch)
        case .timed(let batch): return .timed(batch)
        case .watermark(let watermark): return .time(self.clock.advance(channel, to: watermark))
        case .idle: return .time(self.clock.setIdle(channel))
        case .tick(let now):
            self.ticks[channel] = now
            let least = self.ticks.indices.filter { !self.ended[$0] }.map { self.ticks[$0] }.min() ?? now
            if least > .min { return .clock(least) }
        case .barrier(let number):
            guard number > self.takenNumber else { return .mark }
            self.aligned[channel] = true
            self.checkpoint = number
        case .end: self.ended[channel] = true
        }
        return .mark
    }

    /// What a checkpoint overtakes that doesn't wait for it; nil while its barrier hasn't come to some channel.
    func waiting(before checkpoint: Int64) -> ChannelElements? {
        // A channel that waits at the barrier has nothing before it.
        let isAt = self.checkpoint == checkpoint
        let numbers = self.aligned.indices.filter { !self.ended[$0] && !(isAt && self.aligned[$0]) }
        guard let waiting = self.inbox.waiting(before: checkpoint, in: numbers) else { return nil }
        var clock = self.clock
        for channel in self.aligned.indices { clock.take(waiting[channel] ?? [], from: channel) }
        var elements = ChannelElements(watermark: clock.current)
        for channel in self.aligned.indices {
            // How far time has come in each channel doesn't follow from what is on its way.
            elements.add(self.clock.elements(of: channel) + (waiting[channel] ?? []), channel: channel)
        }
        return elements
    }

    /// A checkpoint is taken: all channels go on.
    mutating func release(_ checkpoint: Int64) {
        self.takenNumber = checkpoint
        self.checkpoint = nil
        self.aligned = Array(repeating: false, count: self.aligned.count)
    }
}
