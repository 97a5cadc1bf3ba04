internal import JobPlan
internal import WireFormat

/// The windows that keys have for themselves, once they don't fit in memory: those of a key are its state in a
/// ``TieredStateStore``.
///
/// While something happens to a key its windows are made anew in a ``KeyedWindows`` that has no other key's.
///
/// | bytes of a state | what, little endian                                                        |
/// | ---------------- | -------------------------------------------------------------------------- |
/// | i64              | when the first timer of the key is due, or the largest number: it has none |
/// | each window      | ``WindowFigures``; u32 length, states; the oldest first                    |
///
/// ## Order of calls
/// `load` or `nextDue`, then `save` of the same key, before anything of another.
///
/// Isolation: that of the stage that owns it.
final class StoredWindows {
    private var store: TieredStateStore
    private var pieces = KeyedPieces()
    private let layout: WindowLayout

    /// When the first timer of the key is due that is in memory.
    private var dueAt = StoredWindows.never
    private var state = ByteBuffer()

    /// The bytes of a key whose timer was due.
    private var dueKey = ByteBuffer()

    /// Keys that have got something since windows were last fired that fire every so often; nil where none do.
    private var changedKeys: SliceBox?

    private static let never = Int64.max

    /// When windows are due that only the end of the input fires.
    private static let endOfInput = 4 * SliceGrid.timeLimit

    /// Bytes of state that buffers keep.
    private static let bufferBytesLimit = 1 << 20

    init(_ spill: KeyedSpill, _ windows: StreamWindows) {
        self.store = TieredStateStore(expires: false, spill: spill)
        self.layout = windows.layout
        if windows.trigger.earlyMilliseconds != nil { self.changedKeys = SliceBox(Self.changedLayout) }
    }

    private static let changedLayout = WindowLayout([.records])

    var bytes: Int { self.store.bytes + (self.changedKeys?.table.bytes ?? 0) }
    var diskBytes: Int64 { self.store.diskBytes }
    var spills: StateSpills { self.store.spills }
    var keyCount: Int { self.store.keyCount }

    // MARK: Checkpoints

    /// The pieces of a checkpoint, those that are new numbered from an index on.
    func freeze(_ checkpoint: Int64, firstIndex: Int) throws(EngineError) -> [StatePiece] {
        try self.spilling { store throws(SpillError) in
            try self.pieces.freeze(&store, checkpoint, firstIndex: firstIndex)
        }
    }

    func settle(_ checkpoint: Int64, isStored: Bool) { self.pieces.settle(checkpoint, isStored: isStored) }

    func noteStored(_ id: PieceID, keyCount: Int) throws(EngineError) {
        try self.spilling { store throws(SpillError) in
            try self.pieces.noteStored(id, keyCount: keyCount, in: &store)
        }
    }

    /// Forgets the windows of a key, none of which are in memory.
    func removeAll(of key: StateKey) throws(EngineError) {
        try self.spilling { store throws(SpillError) in
            try store.fetch(key)
            store.removeAll(of: key)
        }
    }

    private func spilling<Result>(
        _ body: (inout TieredStateStore) throws(SpillError) -> Result
    ) throws(EngineError) -> Result {
        do throws(SpillError) {
            return try body(&self.store)
        } catch {
            throw .spill(error)
        }
    }

    // MARK: One key

    /// Makes the windows of a key anew where no other's are.
    func load(_ key: StateKey, into windows: inout KeyedWindows) throws(EngineError) {
        try self.spilling { store throws(SpillError) in try store.fetch(key) }
        self.dueAt = Self.never
        guard let state = self.store.state(of: key) else { return }
        do {
            self.dueAt = try Self.read(state.value, of: key, into: &windows)
        } catch {
            throw .corrupt("can't decode the windows of a key: \(error)")
        }
    }

    /// Adds windows as they were written.
    ///
    /// - Returns: When the first timer of their key was due then.
    @discardableResult
    static func read(
        _ state: Bytes,
        of key: StateKey,
        into windows: inout KeyedWindows
    ) throws(ValueDecodingError) -> Int64 {
        var reader = StateReader(state)
        let dueAt = try reader.number(Int64.self)
        while reader.offset < state.count {
            let figures = try WindowFigures(&reader)
            try unsafe windows.restore(figures, try reader.bytes(), of: key.words, longKey: key.longKey)
        }
        return dueAt
    }

    /// Writes the windows of a key down, and forgets them in memory.
    func save(_ key: StateKey, from windows: inout KeyedWindows) throws(EngineError) {
        let numbers = unsafe windows.store.numbers(of: key.words, longKey: key.longKey)
        try self.write(numbers, of: key, &windows)
        for number in numbers { windows.store.remove(number) }
        windows.noteEmpty()
        try self.spilling { store throws(SpillError) in try store.relieve() }
    }

    private func write(_ numbers: [Int], of key: StateKey, _ windows: inout KeyedWindows) throws(EngineError) {
        // Behind the end of the input nothing comes any more.
        guard !numbers.isEmpty, windows.watermark != WatermarkTracker.end else {
            return self.store.removeState(of: key)
        }
        let due = numbers.reduce(Self.never) { min($0, self.dueTime(of: windows.store[$1], windows)) }
        if due < self.dueAt {
            self.dueAt = due
            self.store.addTimer(at: due, of: key)
        }
        self.state.removeAll(capacityLimit: Self.bufferBytesLimit)
        self.state.append(littleEndian: self.dueAt)
        // They are chained with the newest first.
        for number in numbers.reversed() {
            WindowFigures(windows.store[number]).append(to: &self.state)
            let start = self.state.count
            self.state.append(littleEndian: UInt32(0))
            unsafe windows.store.states.table.encode(windows.store.states(of: number), into: &self.state)
            self.state.replace(at: start, littleEndian: UInt32(self.state.count - start - 4))
        }
        guard self.state.count <= ProcessLimits.stateBytes else { throw .spill(.windowsTooLarge(self.state.count)) }
        // Nothing is dropped for its age: when it was written doesn't matter.
        self.store.setState(of: key, to: self.state.bytes, writtenAt: 0)
        if numbers.contains(where: { windows.store[$0].freshCount > 0 }) { self.noteChanged(key) }
    }

    /// When a window is to be looked at again if nothing comes.
    private func dueTime(of segment: SegmentStore.Segment, _ windows: borrowing KeyedWindows) -> Int64 {
        switch windows.kind {
        case .session:
            let end = segment.end - 1
            if segment.isFired { return end + windows.allowedLateness }
            // What late records have changed waits until time moves.
            return windows.watermark == WatermarkTracker.none ? end : max(end, windows.watermark + 1)
        case .global: return segment.isFired ? Self.never : Self.endOfInput
        case .count, .sliced: return Self.never
        }
    }

    // MARK: Many keys

    /// Takes the windows of all keys, which are in memory until then.
    func takeAll(of windows: inout KeyedWindows) throws(EngineError) {
        for number in windows.store.segments.indices where windows.store[number].isLive {
            let segment = windows.store[number]
            let longKey = unsafe UnsafeRawPointer(bitPattern: segment.longKey)
            let numbers = unsafe windows.store.numbers(of: segment.key, longKey: longKey)
            guard numbers.first == number else { continue }
            self.dueAt = Self.never
            try self.write(numbers, of: unsafe StateKey(segment.key, longKey: longKey), &windows)
            try self.spilling { store throws(SpillError) in try store.relieve() }
        }
        windows.forgetAll()
    }

    /// Loads the windows of the next key of which some are due; nil where there is none.
    ///
    /// - Returns: The key, good until the next call.
    func nextDue(into windows: inout KeyedWindows) throws(EngineError) -> StateKey? {
        let watermark = windows.watermark
        let timer = try self.spilling { store throws(SpillError) in try store.nextTimer(upTo: watermark) }
        guard let timer else { return nil }
        self.dueKey.removeAll(capacityLimit: Self.bufferBytesLimit)
        timer.key.appendBytes(to: &self.dueKey)
        let words = timer.key.words
        let key = unsafe StateKey(words, longKey: words.isLong ? UnsafeRawPointer(self.dueKey.bytes.start) : nil)
        self.store.removeTimer(timer)
        try self.load(key, into: &windows)
        if self.dueAt <= timer.time { self.dueAt = Self.never }
        return key
    }

    private func noteChanged(_ key: StateKey) {
        guard let keys = self.changedKeys else { return }
        _ = unsafe keys.table.states(of: key.words, longKey: key.longKey)
    }

    /// The keys that have got something since this was last asked.
    func takeChangedKeys() -> SliceBox {
        let fresh = SliceBox(Self.changedLayout)
        guard let keys = self.changedKeys else { return fresh }
        self.changedKeys = fresh
        return keys
    }
}

extension SpillError {
    fileprivate static func windowsTooLarge(_ count: Int) -> SpillError {
        SpillError(
            .failed,
            "can't move windows to disk: those of one key take \(count >> 20) MiB, and a key may have "
                + "\(ProcessLimits.stateBytes >> 20) MiB there; give the job more memory with --memory, or aggregate instead of "
                + "collecting values"
        )
    }
}
