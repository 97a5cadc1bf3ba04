internal import ConnectorKit
internal import WireFormat

/// A spilled run: rows in the order of partition and key, all of one form.
struct SortedRun {
    let form: RecordBatch.Form
    let run: any SpillRun

    /// How often what is in it was merged: runs of one level are merged together.
    let level: Int
}

/// Writes rows that come in order.
struct SortedRunWriter: ~Copyable {
    private let batch: RecordBatch
    private let writer: any SpillRunWriter
    private let level: Int

    /// Bytes of a block as a rule.
    static let blockBytes = 128 << 10

    init(store: any SpillStore, form: RecordBatch.Form, level: Int = 0) throws(SpillError) {
        self.batch = RecordBatch(form: form, capacity: Self.blockBytes)
        self.writer = try store.makeRun()
        self.level = level
    }

    mutating func append(
        _ key: KeyWords,
        longKey: UnsafeRawPointer?,
        payload: UnsafeRawPointer,
        payloadBytes: Int
    ) throws(SpillError) {
        let keyBytes = unsafe longKey == nil ? 0 : key.count
        let rowBytes = RecordBatch.rowBytes(keyBytes: keyBytes, payloadBytes: payloadBytes)
        if self.batch.count + rowBytes > Self.blockBytes { try self.flush() }
        let target = unsafe self.batch.append(
            key.a,
            key.b,
            key: longKey,
            keyBytes: keyBytes,
            payloadBytes: payloadBytes
        )
        unsafe target.copyMemory(from: payload, byteCount: payloadBytes)
    }

    private func flush() throws(SpillError) {
        guard self.batch.rowCount > 0 else { return }
        // More than a block's worth is one large row, which its reader puts together again.
        var offset = 0
        while offset < self.batch.count {
            let count = min(self.batch.count - offset, SpillLimits.blockBytes)
            unsafe try self.writer.append(UnsafeRawBufferPointer(start: self.batch.base + offset, count: count))
            offset += count
        }
        self.batch.removeAll()
    }

    consuming func finish() throws(SpillError) -> SortedRun {
        try self.flush()
        return SortedRun(form: self.batch.form, run: try self.writer.finish(), level: self.level)
    }
}

/// A place in a run.
@safe
final class RunCursor {
    /// What changes with every row: behind a pointer, since fields of a class are checked for overlapping accesses.
    @safe
    private struct Place {
        var row: UnsafeRawPointer
        /// Bytes of the block from ``row`` on.
        var left = 0
        var partition = 0
    }

    private let reader: any SpillRunReader
    private let block = SourceBlock(capacity: SortedRunWriter.blockBytes)
    private let routing: Routing
    private let place: UnsafeMutablePointer<Place>
    let form: RecordBatch.Form

    init(_ run: SortedRun, routing: Routing) throws(SpillError) {
        self.form = run.form
        self.reader = try run.run.makeReader()
        self.routing = routing
        unsafe self.place = .allocate(capacity: 1)
        unsafe self.place.initialize(to: Place(row: self.block.base))
        try self.load()
    }

    deinit {
        unsafe self.place.deallocate()
    }

    var isAtEnd: Bool { unsafe self.place.pointee.left <= 0 }

    /// The row here: valid until ``advance()``.
    var row: RecordRow { unsafe RecordRow(self.place.pointee.row) }

    var keyed: KeyedRow { KeyedRow(self.row) }

    /// The partition of ``row``.
    var partition: Int { unsafe self.place.pointee.partition }

    func advance() throws(SpillError) {
        let size = self.row.size
        unsafe self.place.pointee.row += size
        unsafe self.place.pointee.left -= size
        if self.isAtEnd { try self.load() } else { try self.check() }
    }

    private func load() throws(SpillError) {
        let isRead = try self.reader.next(into: self.block)
        unsafe self.place.pointee.left = 0
        guard isRead else { return }
        unsafe self.place.pointee.row = UnsafeRawPointer(self.block.base)
        if self.block.count >= RecordBatch.headerBytes, self.row.size > self.block.count {
            try self.assembleLargeRow()
        }
        unsafe self.place.pointee.row = UnsafeRawPointer(self.block.base)
        unsafe self.place.pointee.left = self.block.count
        try self.check()
    }

    /// Appends the blocks that a row larger than a block goes on in.
    private func assembleLargeRow() throws(SpillError) {
        let piece = SourceBlock(capacity: SpillLimits.blockBytes)
        let size = self.row.size
        while self.block.count < size {
            guard try self.reader.next(into: piece) else { return }
            self.block.grow(to: self.block.count + piece.count, preserving: self.block.count)
            unsafe (self.block.base + self.block.count).copyMemory(from: piece.base, byteCount: piece.count)
            self.block.count += piece.count
        }
    }

    /// Refuses a row that doesn't lie in its block: the store's checksums make that a bug of ours or of the machine.
    private func check() throws(SpillError) {
        let left = unsafe self.place.pointee.left
        guard left >= RecordBatch.headerBytes, self.row.size <= left else {
            throw SpillError(.corrupt, "can't read a spilled run: a row reaches beyond its block; run the job again")
        }
        unsafe self.place.pointee.partition = self.routing.partition(hash: KeyWords(a: self.row.a, b: self.row.b).hash)
    }
}

extension KeyedRow {
    init(_ row: RecordRow) {
        let longKey = unsafe row.keyBytes > 0 ? row.key : nil
        unsafe self.init(key: KeyWords(a: row.a, b: row.b), longKey: longKey, payload: row.payload)
    }
}

/// Reads several runs as one, in order.
struct RunMerger: ~Copyable {
    /// A cursor with what most comparisons are decided by.
    private struct Entry {
        var partition: Int
        var prefix: UInt64
        let cursor: Int
    }

    private var cursors: [RunCursor]
    /// A binary heap of the cursors that aren't at their end, smallest row first.
    private var heap: [Entry] = []

    /// Nothing to read.
    init() {
        self.cursors = []
    }

    init(_ runs: [SortedRun], routing: Routing) throws(SpillError) {
        self.cursors = []
        for run in runs { self.cursors.append(try RunCursor(run, routing: routing)) }
        self.heap = self.cursors.indices.filter { !self.cursors[$0].isAtEnd }.map { self.entry($0) }
        for position in stride(from: self.heap.count / 2 - 1, through: 0, by: -1) { self.siftDown(position) }
    }

    /// The smallest row that is left.
    var current: RunCursor? { self.heap.first.map { self.cursors[$0.cursor] } }

    mutating func advance() throws(SpillError) {
        let index = self.heap[0].cursor
        try self.cursors[index].advance()
        if self.cursors[index].isAtEnd {
            self.heap[0] = self.heap[self.heap.count - 1]
            self.heap.removeLast()
        } else {
            self.heap[0] = self.entry(index)
        }
        if !self.heap.isEmpty { self.siftDown(0) }
    }

    private func entry(_ index: Int) -> Entry {
        let cursor = self.cursors[index]
        return Entry(partition: cursor.partition, prefix: KeyOrder.prefix(of: cursor.keyed), cursor: index)
    }

    private mutating func siftDown(_ start: Int) {
        var position = start
        while true {
            let left = 2 * position + 1
            guard left < self.heap.count else { return }
            let right = left + 1
            let child = right < self.heap.count && self.isBefore(right, left) ? right : left
            guard self.isBefore(child, position) else { return }
            self.heap.swapAt(child, position)
            position = child
        }
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        let mine = self.heap[left]
        let other = self.heap[right]
        if mine.partition != other.partition { return mine.partition < other.partition }
        if mine.prefix != other.prefix { return mine.prefix < other.prefix }
        let order = KeyOrder.compare(self.cursors[mine.cursor].keyed, self.cursors[other.cursor].keyed)
        // Runs are numbered in the order they were written: equal keys keep it.
        return order == 0 ? mine.cursor < other.cursor : order < 0
    }
}
