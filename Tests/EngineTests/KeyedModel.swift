@testable import Engine

/// What the keyed stages of the tests should do, key by key, with dictionaries.
struct KeyedModel {
    private struct Key {
        var state: (value: Int64, writtenAt: Int64)?
        var timers: Set<Int64> = []
        /// Event times of the events that were let through.
        var passed: [Int64] = []
        /// What may be joined, in the order it came.
        var kept: [StreamEvent] = []
    }

    private let shape: KeyedShape
    private var keys: [String: Key] = [:]
    private var watermark = Int64.min
    private(set) var duplicateCount = 0
    private(set) var pairCount = 0
    private(set) var failureCount = 0

    init(_ shape: KeyedShape) {
        self.shape = shape
    }

    /// Keys that have a state or a timer, where states are never dropped.
    var keyCount: Int { self.keys.values.count { $0.state != nil || !$0.timers.isEmpty } }

    /// What is handed on when these are taken, by key.
    mutating func read(_ events: [StreamEvent]) -> [String: [KeyedOutput]] {
        var outputs: [String: [KeyedOutput]] = [:]
        for event in events {
            var key = self.keys[event.key] ?? Key()
            switch self.shape {
            case .deduplicate(let within):
                if key.passed.contains(where: { abs($0 - event.time) < within }) {
                    self.duplicateCount += 1
                    continue
                }
                key.passed.append(event.time)
                outputs[event.key, default: []].append(event.passedOn)
            case .join(let from, let to, _):
                outputs[event.key, default: []] += self.join(event, key.kept, from...to)
                key.kept.append(event)
            case .process(let life):
                let output = self.process(event, &key, life)
                outputs[event.key, default: []].append(output)
            }
            self.keys[event.key] = key
        }
        // Timers for times that have passed fire at once.
        outputs.merge(self.fire()) { $0 + $1 }
        return outputs.filter { !$0.value.isEmpty }
    }

    /// What an event is joined with among all that came before it.
    private mutating func join(
        _ event: StreamEvent,
        _ others: [StreamEvent],
        _ interval: ClosedRange<Int64>
    ) -> [KeyedOutput] {
        others.compactMap { other in
            guard Self.isMultiple(other.value, of: 2) != Self.isMultiple(event.value, of: 2) else { return nil }
            let (left, right) = Self.isMultiple(event.value, of: 2) ? (event, other) : (other, event)
            guard interval.contains(right.time - left.time) else { return nil }
            self.pairCount += 1
            let sum = left.value + right.value
            if Self.isMultiple(sum, of: 11) { return nil }
            if Self.isMultiple(sum, of: 13) {
                self.failureCount += 1
                return nil
            }
            return KeyedOutput(
                time: max(left.time, right.time),
                text: #"{"k":"\#(event.key)","l":\#(left.value),"r":\#(right.value)}"#
            )
        }
    }

    private func process(_ event: StreamEvent, _ key: inout Key, _ life: Int64?) -> KeyedOutput {
        let total = event.value + (Self.alive(key, at: event.time, life) ?? 0)
        let writtenAt = max(key.state?.writtenAt ?? event.time, event.time)
        key.state = Self.isMultiple(event.value, of: 7) ? nil : (total, writtenAt)
        if Self.isMultiple(event.value, of: 3) { key.timers.insert(event.time + 2 * event.value) }
        if Self.isMultiple(event.value, of: 5) { key.timers.insert(event.time - event.value) }
        return KeyedOutput(time: event.time, text: #"{"key":"\#(event.key)","total":\#(total)}"#)
    }

    private static func alive(_ key: Key, at time: Int64, _ life: Int64?) -> Int64? {
        guard let state = key.state, life.map({ time < state.writtenAt + $0 }) ?? true else { return nil }
        return state.value
    }

    private static func isMultiple(_ value: Int64, of number: Int64) -> Bool { value % number == 0 }

    /// What is handed on when event time comes to a watermark, by key.
    mutating func advance(to watermark: Int64) -> [String: [KeyedOutput]] {
        self.watermark = max(self.watermark, watermark)
        let outputs = self.fire()
        guard case .process(let life) = self.shape, let life, self.watermark != .max else { return outputs }
        for name in self.keys.keys {
            if let state = self.keys[name]?.state, state.writtenAt + life - 1 <= self.watermark {
                self.keys[name]?.state = nil
            }
        }
        return outputs
    }

    private mutating func fire() -> [String: [KeyedOutput]] {
        guard case .process(let life) = self.shape else { return [:] }
        var outputs: [String: [KeyedOutput]] = [:]
        for name in self.keys.keys {
            guard var key = self.keys[name] else { continue }
            while let time = key.timers.min(), time <= self.watermark {
                key.timers.remove(time)
                let value = Self.alive(key, at: time, life)
                if let value, value > 50, self.watermark != .max { key.timers.insert(time + 13) }
                let shown = value.map { "\($0)" } ?? "null"
                outputs[name, default: []].append(
                    KeyedOutput(time: time, text: #"{"key":"\#(name)","timer":\#(shown)}"#)
                )
                key.state = ((value ?? 0) + 1, max(key.state?.writtenAt ?? time, time))
            }
            self.keys[name] = key
        }
        return outputs
    }
}

extension StreamEvent {
    /// Itself, as a stage hands it on that changes nothing.
    fileprivate var passedOn: KeyedOutput {
        KeyedOutput(time: self.time, text: #"{"k":"\#(self.key)","v":\#(self.value),"t":\#(self.time)}"#)
    }
}
