/// How far event time has come over all channels into one subtask: the smallest of their watermarks, idle ones left out.
///
/// Never falls, also where an idle channel wakes with a smaller one: what it sends then is late.
package struct ChannelClock: Sendable {
    private struct Channel {
        var watermark = WatermarkTracker.none
        var isIdle = false
    }

    private var channels: [Channel]
    package private(set) var current = WatermarkTracker.none

    package init(channelCount: Int) {
        precondition(channelCount >= 1, "a subtask has a channel")
        self.channels = Array(repeating: Channel(), count: channelCount)
    }

    /// Takes a channel's watermark, with which it wakes; answers the watermark of all.
    package mutating func advance(_ channel: Int, to watermark: Int64) -> Int64 {
        self.channels[channel].watermark = max(self.channels[channel].watermark, watermark)
        self.channels[channel].isIdle = false
        return self.update()
    }

    /// A channel no longer holds time back; answers the watermark of all.
    package mutating func setIdle(_ channel: Int) -> Int64 {
        self.channels[channel].isIdle = true
        return self.update()
    }

    /// Takes what comes through a channel, as far as it is about time.
    package mutating func take(_ elements: [StreamElement], from channel: Int) {
        for element in elements {
            switch element {
            case .watermark(let watermark): _ = self.advance(channel, to: watermark)
            case .idle: _ = self.setIdle(channel)
            case .slice, .timed, .tick, .barrier, .end: break
            }
        }
    }

    /// What a channel would have to send to be where it is: nothing where it has said nothing.
    package func elements(of channel: Int) -> [StreamElement] {
        let watermark = self.channels[channel].watermark
        return (watermark == WatermarkTracker.none ? [] : [.watermark(watermark)])
            + (self.channels[channel].isIdle ? [.idle] : [])
    }

    /// Whether no channel holds time back.
    package var isWhollyIdle: Bool { self.channels.allSatisfy(\.isIdle) }

    private mutating func update() -> Int64 {
        let active = self.channels.filter { !$0.isIdle }
        if let least = active.map(\.watermark).min() { self.current = max(self.current, least) }
        return self.current
    }
}
