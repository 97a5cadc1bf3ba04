import CoreTypes
import Testing

@testable import Engine

@Suite struct WatermarkTrackerTests {
    @Test func `a watermark is the largest time, less the bound, less one`() {
        var tracker = WatermarkTracker(outOfOrdernessBound: 5)
        let split = tracker.addSplit()

        tracker.observe(100, in: split)
        tracker.observe(98, in: split)

        #expect(tracker.advance(isComplete: false) == 94)
        #expect(tracker.watermark(of: split) == 94)
        #expect(tracker.latest(of: split) == 100)
    }

    @Test func `the slowest split holds the watermark back`() {
        var tracker = WatermarkTracker(outOfOrdernessBound: 0)
        let (fast, slow) = (tracker.addSplit(), tracker.addSplit())

        tracker.observe(100, in: fast)
        tracker.observe(50, in: slow)

        #expect(tracker.advance(isComplete: false) == 49)
        #expect(tracker.slowest == slow)
    }

    @Test func `a split of which nothing is known holds back everything`() {
        var tracker = WatermarkTracker(outOfOrdernessBound: 0)
        let known = tracker.addSplit()
        _ = tracker.addSplit()

        tracker.observe(100, in: known)

        #expect(tracker.advance(isComplete: true) == WatermarkTracker.none)
    }

    @Test func `a split goes on from the time that a checkpoint has of it`() {
        var tracker = WatermarkTracker(outOfOrdernessBound: 10)

        let split = tracker.addSplit(latest: 500)

        #expect(tracker.latest(of: split) == 500)
        #expect(tracker.advance(isComplete: false) == 489)
    }

    @Test func `a split that comes late or is behind doesn't turn the watermark back`() {
        var tracker = WatermarkTracker(outOfOrdernessBound: 0)
        tracker.observe(100, in: tracker.addSplit())
        #expect(tracker.advance(isComplete: false) == 99)

        tracker.observe(20, in: tracker.addSplit())

        #expect(tracker.advance(isComplete: false) == 99)
        #expect(tracker.current == 99)
    }

    @Test func `an idle split holds nothing back until its next record`() {
        var tracker = WatermarkTracker(outOfOrdernessBound: 0)
        let (busy, silent) = (tracker.addSplit(), tracker.addSplit())
        tracker.observe(100, in: busy)
        tracker.observe(10, in: silent)

        tracker.setIdle(silent)
        let whileIdle = tracker.advance(isComplete: false)
        tracker.observe(30, in: silent)
        tracker.observe(200, in: busy)
        let awake = tracker.advance(isComplete: false)

        #expect(whileIdle == 99)
        #expect(!tracker.isIdle(silent))
        #expect(awake == 99)
        #expect(tracker.slowest == silent)
    }

    @Test func `where every split is idle the watermark stays`() {
        var tracker = WatermarkTracker(outOfOrdernessBound: 0)
        let (idle, finished) = (tracker.addSplit(latest: 10), tracker.addSplit(latest: 20))
        _ = tracker.advance(isComplete: false)

        tracker.setIdle(idle)
        tracker.finish(finished)

        #expect(tracker.isWhollyIdle)
        #expect(tracker.advance(isComplete: true) == 9)
    }

    @Test func `a split that was read to its end holds nothing back, and doesn't become idle`() {
        var tracker = WatermarkTracker(outOfOrdernessBound: 0)
        let (done, open) = (tracker.addSplit(latest: 10), tracker.addSplit(latest: 70))

        tracker.finish(done)
        tracker.setIdle(done)

        #expect(!tracker.isIdle(done))
        #expect(!tracker.isWhollyIdle)
        #expect(tracker.advance(isComplete: true) == 69)
        #expect(tracker.slowest == open)
    }

    @Test func `time ends when every split is at its end and no other will come`() {
        var tracker = WatermarkTracker(outOfOrdernessBound: 0)
        tracker.finish(tracker.addSplit(latest: 10))

        #expect(tracker.advance(isComplete: false) == WatermarkTracker.none)
        #expect(tracker.advance(isComplete: true) == WatermarkTracker.end)
    }

    @Test(arguments: 0..<UInt64(300))
    func `the watermark never falls, and is the least of the active splits where that is more`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let bound = Int64(random.next(in: 0..<20))
        var tracker = WatermarkTracker(outOfOrdernessBound: bound)
        var model = SplitModel(bound: bound)

        for _ in 0..<200 {
            let split = model.splits.isEmpty ? nil : random.next(in: 0..<model.splits.count)
            switch (random.next(in: 0..<10), split) {
            case (0, _), (_, nil):
                let latest = random.chance(percent: 50) ? WatermarkTracker.none : Int64(random.next(in: -50..<300))
                #expect(tracker.addSplit(latest: latest) == model.splits.count)
                model.splits.append((latest, isActive: true, isFinished: false))
            case (1, let split?):
                tracker.finish(split)
                model.splits[split].isActive = false
                model.splits[split].isFinished = true
            case (2, let split?):
                tracker.setIdle(split)
                model.splits[split].isActive = false
            case (_, let split?):
                let time = Int64(random.next(in: -100..<400))
                tracker.observe(time, in: split)
                model.splits[split].latest = max(model.splits[split].latest, time)
                model.splits[split].isActive = !model.splits[split].isFinished
            }
            let isComplete = random.chance(percent: 5)

            #expect(tracker.advance(isComplete: isComplete) == model.advance(isComplete), "seed \(seed)")
        }
    }
}

/// Splits as plain facts.
private struct SplitModel {
    let bound: Int64
    var splits: [(latest: Int64, isActive: Bool, isFinished: Bool)] = []
    private var current = Int64.min

    init(bound: Int64) {
        self.bound = bound
    }

    mutating func advance(_ isComplete: Bool) -> Int64 {
        let active = self.splits.filter(\.isActive).map(\.latest)
        if let least = active.min(), least != .min {
            self.current = max(self.current, least - self.bound - 1)
        } else if isComplete, self.splits.allSatisfy(\.isFinished) {
            self.current = .max
        }
        return self.current
    }
}

@Suite struct ChannelClockTests {
    @Test func `nothing is known before every channel has spoken`() {
        var clock = ChannelClock(channelCount: 2)

        #expect(clock.advance(0, to: 100) == WatermarkTracker.none)
        #expect(clock.advance(1, to: 40) == 40)
    }

    @Test func `an idle channel is left out, and waking behind the others turns nothing back`() {
        var clock = ChannelClock(channelCount: 2)
        _ = clock.advance(0, to: 10)
        _ = clock.advance(1, to: 100)

        let whileIdle = clock.setIdle(0)
        let awake = clock.advance(0, to: 20)
        let further = clock.advance(1, to: 200)

        #expect(whileIdle == 100)
        #expect(awake == 100)
        #expect(further == 100)
        #expect(clock.advance(0, to: 150) == 150)
    }

    @Test func `a channel that is idle before it said anything holds nothing back`() {
        var clock = ChannelClock(channelCount: 2)
        _ = clock.advance(1, to: 30)

        #expect(clock.setIdle(0) == 30)
        #expect(clock.advance(0, to: WatermarkTracker.none) == 30)
    }

    @Test func `where all are idle the watermark stays`() {
        var clock = ChannelClock(channelCount: 2)
        _ = clock.advance(0, to: 10)
        _ = clock.advance(1, to: 20)
        _ = clock.setIdle(1)

        #expect(clock.setIdle(0) == 10)
    }

    @Test func `time ends with the last channel`() {
        var clock = ChannelClock(channelCount: 2)

        #expect(clock.advance(0, to: WatermarkTracker.end) == WatermarkTracker.none)
        #expect(clock.advance(1, to: WatermarkTracker.end) == WatermarkTracker.end)
    }

    @Test(arguments: 0..<UInt64(200))
    func `the watermark is the largest that the least active channel ever had`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let count = random.next(in: 1..<5)
        var clock = ChannelClock(channelCount: count)
        var channels = Array(repeating: (watermark: Int64.min, isIdle: false), count: count)
        var expected = Int64.min

        for _ in 0..<100 {
            let channel = random.next(in: 0..<count)
            let found: Int64
            if random.chance(percent: 25) {
                found = clock.setIdle(channel)
                channels[channel].isIdle = true
            } else {
                // A channel may repeat itself, and an older word than its last changes nothing.
                let watermark = Int64(random.next(in: 0..<1_000))
                found = clock.advance(channel, to: watermark)
                channels[channel] = (max(channels[channel].watermark, watermark), false)
            }
            expected = max(expected, channels.filter { !$0.isIdle }.map(\.watermark).min() ?? .min)

            #expect(found == expected, "seed \(seed)")
            #expect(clock.current == expected, "seed \(seed)")
        }
    }
}
