import CoreTypes
import JobPlan

@testable import Engine

/// Windows as lists of events, for a stream that one subtask reads.
struct WindowModel {
    private let shape: StreamShape
    private let grid: SliceGrid
    private(set) var late: [StreamEvent] = []

    /// How often a window of a key was fired behind its time.
    private(set) var latePanes: [Int64: [String: Int64]] = [:]
    private(set) var watermark = Int64.min
    private var accepted: [StreamEvent] = []
    private var latest = Int64.min

    init(_ shape: StreamShape) {
        self.shape = shape
        self.grid = shape.grid
    }

    /// What is fired when these are read, sorted.
    mutating func read(_ events: [StreamEvent]) -> [FiredResult] {
        var results: [FiredResult] = []
        for event in events {
            self.latest = max(self.latest, event.time)
            let ends = Self.ends(self.grid, holding: event.time)
            let open = ends.filter { !self.isPassed($0) }
            guard !open.isEmpty else {
                // What lies between windows belongs to none, and is late for none.
                if !ends.isEmpty { self.late.append(event) }
                continue
            }
            self.accepted.append(event)
            for end in open where end - 1 <= self.watermark {
                results.append(self.result(event.key, end))
                self.latePanes[end, default: [:]][event.key, default: 0] += 1
            }
        }
        return (results + self.advance(to: self.latest - self.shape.bound - 1)).sorted()
    }

    /// What is fired when time comes to its end.
    mutating func end() -> [FiredResult] { self.advance(to: .max) }

    private mutating func advance(to watermark: Int64) -> [FiredResult] {
        guard watermark > self.watermark else { return [] }
        var results: [FiredResult] = []
        for end in Set(self.accepted.flatMap { Self.ends(self.grid, holding: $0.time) })
        where end - 1 > self.watermark && end - 1 <= watermark {
            let keys = Set(self.accepted.filter { self.isIn($0, end) }.map(\.key))
            results += keys.map { self.result($0, end) }
        }
        self.watermark = watermark
        self.latePanes = self.latePanes.filter { !self.isPassed($0.key) }
        return results.sorted()
    }

    private func isPassed(_ end: Int64) -> Bool {
        self.watermark != .min
            && (self.watermark == .max || end - 1 + self.shape.allowedLateness <= self.watermark)
    }

    private func isIn(_ event: StreamEvent, _ end: Int64) -> Bool {
        event.time < end && event.time >= end - self.grid.size
    }

    private func result(_ key: String, _ end: Int64) -> FiredResult {
        let values = self.accepted.filter { $0.key == key && self.isIn($0, end) }.map(\.value)
        return FiredResult(end: end, key: key, values: values, isGeneral: self.shape.isGeneral)
    }

    /// Every window of a whole stream of which no record is late.
    static func results(_ shape: StreamShape, _ events: [StreamEvent]) -> [FiredResult] {
        var model = WindowModel(shape)
        model.accepted = events.filter { !Self.ends(shape.grid, holding: $0.time).isEmpty }
        return model.end()
    }

    private static func ends(_ grid: SliceGrid, holding time: Int64) -> [Int64] {
        var ends: [Int64] = []
        for start in (time - grid.size + 1)...time where (start - grid.offset) % grid.slide == 0 {
            ends.append(start + grid.size)
        }
        return ends
    }
}

extension StreamShape {
    static func random(_ random: inout SplitMix64) -> StreamShape {
        let size = Int64(random.next(in: 1..<25))
        let window: WindowSpecification =
            random.chance(percent: 40)
            ? .tumbling(size: size, offset: Int64(random.next(in: 0..<Int(size))))
            : .sliding(size: size, slide: Int64(random.next(in: 1..<30)))
        return StreamShape(
            window: window,
            allowedLateness: random.chance(percent: 40) ? 0 : Int64(random.next(in: 1..<40)),
            bound: Int64(random.next(in: 0..<15)),
            isGeneral: random.chance(percent: 30),
            tableBytes: random.chance(percent: 50) ? nil : [1, 30_000][random.next(in: 0..<2)]
        )
    }
}

extension StreamEvent {
    private static let keys = [
        "", "a", "b", "exactly 15 byte", "a key that is longer than fits", "a key that is longer than fats",
    ]

    /// Events whose times go on, some of them behind the others by `disorder` at most.
    static func random(
        _ count: Int,
        from time: inout Int64,
        disorder: Int64,
        _ random: inout SplitMix64
    ) -> [StreamEvent] {
        (0..<count).map { _ in
            time += random.chance(percent: 5) ? Int64(random.next(in: 0..<80)) : Int64(random.next(in: 0..<3))
            return StreamEvent(
                key: self.keys[random.next(in: 0..<self.keys.count)],
                value: Int64(random.next(in: -9..<100)),
                time: time - Int64(random.next(in: 0..<Int(disorder) + 1))
            )
        }
    }
}
