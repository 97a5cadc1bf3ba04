internal import CoreTypes
internal import WireFormat

/// Tumbling and sliding windows: the tables of their slices, and which windows were fired.
struct SlicedWindows: ~Copyable {
    let grid: SliceGrid
    let layout: WindowLayout
    let spill: StateSpill?

    /// What was written to disk so far.
    var spills = StateSpills()

    /// Bytes that were taken, or given to new tables, since somebody looked at how large all of them are.
    var takenBytes = 0
    private let allowedLateness: Int64

    /// The slices that a window still needs, oldest first.
    var slices: [LayeredSlice] = []

    /// Keys that each checkpoint wrote, while a slice names any of its pieces.
    var writtenKeys: [Int64: Int] = [:]

    private var tableExpectation = TableExpectation()

    /// Whether a slice may have got layers that belong together.
    var mayMerge = false

    /// Keys that slices are about to get from a checkpoint, and bytes that may be kept free for such.
    var expectedKeys: [Int64: Int] = [:]
    var roomForExpected: Int

    /// No time at or before this will come, but for late records.
    private(set) var watermark = WatermarkTracker.none

    /// Every window that ends at or before this was fired.
    private(set) var firedEnd = WatermarkTracker.none

    /// How often the windows of keys were fired behind their time, by window end.
    private(set) var latePanes: [Int64: SliceBox] = [:]
    var arena = Arena(limitBytes: Self.arenaBytes)
    static let arenaBytes = 64 << 20

    /// What the keys have got in the window that was fired last, where windows are made of several slices.
    var rolling: RollingWindow
    let rolls: Bool
    let gatherings = Gatherings()

    /// Up to which end the windows of each key group were fired before a restart, where that was further for some of them.
    private var groupEnds: [Int64] = []
    private var hasRestored = false

    /// Up to which end the windows were fired whose slices are being restored.
    private(set) var restoredEnd = WatermarkTracker.none

    private static let paneLayout = WindowLayout([.records])

    /// A slice as one table.
    struct KeptSlice {
        let start: Int64
        let box: SliceBox
    }

    /// Without `spill` all slices stay in memory.
    init(_ grid: SliceGrid, _ windows: StreamWindows, spill: StateSpill?) {
        self.grid = grid
        self.spill = spill
        self.roomForExpected = (spill?.bytesLimit ?? Self.expectedBytesLimit) / 4 * 3
        self.layout = windows.layout
        self.rolling = RollingWindow(windows.layout)
        self.rolls = grid.size > grid.slide && windows.takesAggregates
        // More than all of time is no more.
        self.allowedLateness = min(windows.allowedLateness, SliceGrid.timeLimit)
    }

    /// What tables that stay in memory whatever they take may be made for, on a manifest's word.
    private static let expectedBytesLimit = 8 << 30

    /// Bytes in memory.
    var bytes: Int { self.slices.reduce(self.rolls ? self.rolling.bytes : 0) { $0 + $1.bytes } }

    /// Keys in all slices; one in several counts several times.
    var keyCount: Int { self.slices.reduce(0) { $0 + $1.keyCount } }

    // MARK: Rows

    /// Takes rows of a slice.
    mutating func merge(_ batch: RecordBatch, slice start: Int64) throws(EngineError) {
        let box = self.slice(start)
        self.takenBytes += batch.count
        do {
            try box.table.merge(batch, arena: &self.arena)
        } catch {
            throw .corrupt("can't decode the states of a window: \(error)")
        }
        try self.spillIfLarge()
    }

    mutating func merge(
        _ encoded: Bytes,
        of key: KeyWords,
        longKey: UnsafeRawPointer?,
        into box: SliceBox
    ) throws(EngineError) {
        self.takenBytes += encoded.count + RecordBatch.headerBytes
        do {
            let states = unsafe box.table.states(of: key, longKey: longKey)
            try unsafe box.table.merge(encoded, into: states, arena: &self.arena)
        } catch {
            throw .corrupt("can't decode the states of a window: \(error)")
        }
    }

    /// Takes so many rows of a snapshot, but for those of a hash that isn't `wanted`.
    mutating func merge(
        _ reader: inout StateReader,
        rows count: UInt32,
        into box: SliceBox,
        wanted: (UInt64) -> Bool
    ) throws(EngineError) {
        do {
            try box.table.merge(&reader, rows: count, arena: &self.arena, wanted: wanted)
        } catch {
            throw .corrupt("can't decode the states of a window: \(error)")
        }
    }

    /// The table of the slice that begins at a time, made where there is none: it is about to change.
    mutating func slice(_ start: Int64) -> SliceBox {
        if self.rolls, self.rolling.hasPassed(start) { self.rolling.reset() }
        let position = self.position(of: start)
        if position < self.slices.count, self.slices[position].start == start {
            return self.opened(position)
        }
        let box = SliceBox(self.layout, expectation: self.tableExpectation.next(openCount: self.slices.count))
        self.takenBytes += box.table.bytes
        self.slices.insert(LayeredSlice(start: start, box), at: position)
        return box
    }

    func makeBox() -> SliceBox { SliceBox(self.layout) }

    private mutating func opened(_ position: Int) -> SliceBox {
        let layout = self.layout
        let layerCount = self.slices[position].layers.count
        let box = self.slices[position].open { SliceBox(layout) }
        if self.slices[position].layers.count != layerCount { self.mayMerge = true }
        return box
    }

    /// The first slice that begins at or behind a time.
    func position(of start: Int64) -> Int {
        var low = 0
        var high = self.slices.count
        while low < high {
            let middle = (low + high) / 2
            if self.slices[middle].start < start { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: Firing

    mutating func advance(to watermark: Int64) { self.watermark = max(self.watermark, watermark) }

    /// The end of the next window that the watermark has passed and that holds anything; nil where there is none.
    mutating func nextDueEnd() -> Int64? {
        guard self.watermark != WatermarkTracker.none else { return nil }
        let limit = self.watermark == WatermarkTracker.end ? WatermarkTracker.end : self.watermark + 1
        var end: Int64
        if self.firedEnd == WatermarkTracker.none {
            guard let first = self.slices.first else {
                // A record that comes now is late, as it is where others were in time.
                if limit != WatermarkTracker.end { self.firedEnd = limit }
                return nil
            }
            end = self.grid.firstWindowEnd(holding: first.start)
        } else {
            end = self.firedEnd + 1 > SliceGrid.timeLimit * 2 ? limit : self.grid.windowEnd(after: self.firedEnd)
        }
        while end <= limit {
            let position = self.position(of: end - self.grid.size)
            guard position < self.slices.count else { break }
            if self.slices[position].start < end { return end }
            end = max(self.grid.firstWindowEnd(holding: self.slices[position].start), end + self.grid.slide)
        }
        if limit != WatermarkTracker.end { self.firedEnd = max(self.firedEnd, limit) }
        return nil
    }

    /// What the keys of a window have got that isn't on disk: the table of its only slice, or a merged one.
    mutating func table(ofWindowEnding end: Int64) -> SliceBox {
        let range = self.position(of: end - self.grid.size)..<self.position(of: end)
        if range.count == 1 { return self.settled(range.lowerBound) }
        let merged = SliceBox(self.layout)
        for slice in self.slices[range] {
            for case let box? in slice.layers.map(\.box) { merged.table.merge(box.table) }
        }
        return merged
    }

    private mutating func settled(_ position: Int) -> SliceBox {
        let layout = self.layout
        return self.slices[position].settled { SliceBox(layout) }
    }

    /// Moves the rolling window to the one that ends then.
    mutating func roll(toWindowEnding end: Int64) {
        let range = self.position(of: end - self.grid.size)..<self.position(of: end)
        self.rolling.leaveAll(before: self.slices[range].first?.start ?? .max)
        self.enter(range.drop { self.slices[$0].start <= self.rolling.newest })
        guard self.rolling.isSparse else { return }
        self.rolling.reset()
        self.enter(range)
    }

    private mutating func enter(_ positions: Range<Int>) {
        for position in positions {
            self.rolling.enter(KeptSlice(start: self.slices[position].start, box: self.settled(position)))
        }
    }

    /// The window that ends then was fired.
    mutating func noteFired(_ end: Int64) { self.firedEnd = max(self.firedEnd, end) }

    /// Forgets the slices that no window needs any more, late records considered.
    mutating func dropPassed() {
        guard self.watermark != WatermarkTracker.none else { return }
        if let furthest = self.groupEnds.max(), furthest <= self.firedEnd { self.groupEnds = [] }
        if self.watermark == WatermarkTracker.end {
            self.slices = []
            self.latePanes = [:]
            return
        }
        while let first = self.slices.first, self.isPassed(first.start) {
            if let box = first.layers[0].box { self.tableExpectation.learn(from: box.table) }
            self.slices.removeFirst()
        }
        for end in Array(self.latePanes.keys) where self.isPassed(end: end, at: self.watermark) {
            self.latePanes[end] = nil
        }
    }

    /// Whether every window that a time belongs to is past its end and the allowed lateness.
    private func isPassed(_ time: Int64) -> Bool {
        self.isPassed(end: self.grid.lastWindowEnd(holding: time), at: self.watermark)
    }

    /// The same for a key of this hash.
    func isPassed(_ time: Int64, hash: UInt64) -> Bool {
        self.isPassed(end: self.grid.lastWindowEnd(holding: time), at: self.watermark(hash: hash))
    }

    private func isPassed(end: Int64, at watermark: Int64) -> Bool {
        guard watermark != WatermarkTracker.none else { return false }
        return watermark == WatermarkTracker.end || end - 1 + self.allowedLateness <= watermark
    }

    // MARK: Late records

    /// Whether windows of a slice may have been fired.
    func mayBeLate(_ start: Int64) -> Bool {
        let fired = max(self.firedEnd, self.groupEnds.max() ?? WatermarkTracker.none)
        return self.watermark == WatermarkTracker.end || self.grid.firstWindowEnd(holding: start) <= fired
    }

    /// The ends of the windows of a time that were fired for a key of this hash, and may be fired again.
    func firedEnds(holding time: Int64, hash: UInt64) -> [Int64] {
        let firedEnd = max(self.firedEnd, self.groupEnd(hash))
        guard firedEnd != WatermarkTracker.none else { return [] }
        let watermark = self.watermark(hash: hash)
        var ends: [Int64] = []
        var end = self.grid.firstWindowEnd(holding: time)
        let last = min(self.grid.lastWindowEnd(holding: time), firedEnd)
        while end <= last {
            if !self.isPassed(end: end, at: watermark) { ends.append(end) }
            end += self.grid.slide
        }
        return ends
    }

    /// The ends of the windows of a time that weren't fired for a key of this hash.
    func openEnds(holding time: Int64, hash: UInt64) -> [Int64] {
        let fired = max(self.firedEnd, self.groupEnd(hash))
        let last = self.grid.lastWindowEnd(holding: time)
        return stride(from: self.grid.firstWindowEnd(holding: time), through: last, by: Int(self.grid.slide))
            .filter { $0 > fired }
    }

    /// Counts a late firing of a key: 1 for its first.
    mutating func nextLatePane(of key: KeyWords, longKey: UnsafeRawPointer?, end: Int64) -> Int64 {
        let box = self.latePanes[end] ?? SliceBox(Self.paneLayout)
        self.latePanes[end] = box
        let states = unsafe box.table.states(of: key, longKey: longKey)
        unsafe states[0] &+= 1
        return unsafe Int64(bitPattern: states[0])
    }

    // MARK: Snapshots

    mutating func restore(watermark: Int64, firedEnd: Int64) {
        // Subtasks that were cut apart or put together come from different places: what is certain for all is the least.
        self.watermark = self.hasRestored ? min(self.watermark, watermark) : watermark
        self.firedEnd = self.hasRestored ? min(self.firedEnd, firedEnd) : firedEnd
        self.hasRestored = true
        self.restoredEnd = firedEnd
    }

    /// Windows of a key group that is restored were fired up to this end, whatever is certain for others.
    mutating func noteRestored(_ group: Int, firedEnd: Int64) {
        if self.groupEnds.isEmpty {
            self.groupEnds = Array(repeating: WatermarkTracker.none, count: CompiledStream.keyGroupCount)
        }
        self.groupEnds[group] = max(self.groupEnds[group], firedEnd)
    }

    /// The key groups whose windows were fired further than is certain for all.
    var furtherGroupEnds: [(group: Int, end: Int64)] {
        self.groupEnds.enumerated().filter { $0.element > self.firedEnd }.map { (group: $0.offset, end: $0.element) }
    }

    static func group(_ hash: UInt64) -> Int {
        KeyGroup(hash: hash, groupCount: CompiledStream.keyGroupCount).rawValue
    }

    private func groupEnd(_ hash: UInt64) -> Int64 {
        self.groupEnds.isEmpty ? WatermarkTracker.none : self.groupEnds[Self.group(hash)]
    }

    private func watermark(hash: UInt64) -> Int64 {
        let end = self.groupEnd(hash)
        return end == WatermarkTracker.none ? self.watermark : max(self.watermark, end - 1)
    }

    /// Whether the window that ends then was fired for a key of this hash before a restart.
    func wasFired(_ end: Int64, hash: UInt64) -> Bool {
        !self.groupEnds.isEmpty && end <= self.groupEnd(hash)
    }

    /// Whether these can be times of windows: arithmetic on them can't overflow.
    static func arePossible(watermark: Int64, firedEnd: Int64) -> Bool {
        let times = -4 * SliceGrid.timeLimit...4 * SliceGrid.timeLimit
        let isTime =
            watermark == WatermarkTracker.none || watermark == WatermarkTracker.end || times.contains(watermark)
        return isTime && (firedEnd == WatermarkTracker.none || times.contains(firedEnd))
    }

    /// Whether a slice of a window begins at a time.
    func isSlice(_ start: Int64) -> Bool {
        (-2 * SliceGrid.timeLimit...SliceGrid.timeLimit).contains(start) && self.grid.sliceStart(of: start) == start
            && self.grid.contains(start)
    }

    /// Whether a window ends at a time.
    func isWindowEnd(_ end: Int64) -> Bool {
        (-2 * SliceGrid.timeLimit...2 * SliceGrid.timeLimit).contains(end)
            && self.grid.windowEnd(after: end - 1) == end
    }

    mutating func restoreLatePanes(of end: Int64) -> SliceBox {
        let box = self.latePanes[end] ?? SliceBox(Self.paneLayout)
        self.latePanes[end] = box
        return box
    }
}
