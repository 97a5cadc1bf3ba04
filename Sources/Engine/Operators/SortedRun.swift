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

    /// Appends a row with an encoded value.
    mutating func append(_ value: Bytes, of row: KeyedRow) throws(SpillError) {
        unsafe try self.append(
            row.key,
            longKey: row.longKey,
            payload: UnsafeRawPointer(value.start),
            payloadBytes: value.count
        )
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
final class RunCursor {
    private let reader: any SpillRunReader
    private let block = SourceBlock(capacity: SortedRunWriter.blockBytes)
    private let routing: Routing
    private var offset = 0
    let form: RecordBatch.Form

    /// The partition of ``row``; past all others behind the last row.
    private(set) var partition = 0

    init(_ run: SortedRun, routing: Routing) throws(SpillError) {
        self.form = run.form
        self.reader = try run.run.makeReader()
        self.routing = routing
        try self.load()
    }

    var isAtEnd: Bool { self.offset >= self.block.count }

    /// The row here: valid until ``advance()``.
    var row: RecordRow { unsafe RecordRow(self.block.base + self.offset) }

    var keyed: KeyedRow { KeyedRow(self.row) }

    func advance() throws(SpillError) {
        self.offset += self.row.size
        if self.isAtEnd { try self.load() } else { try self.check() }
    }

    private func load() throws(SpillError) {
        self.offset = 0
        guard try self.reader.next(into: self.block) else {
            self.block.count = 0
            return
        }
        if self.block.count >= RecordBatch.headerBytes, self.row.size > self.block.count {
            try self.assembleLargeRow()
        }
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
        let left = self.block.count - self.offset
        guard left >= RecordBatch.headerBytes, self.row.size <= left else {
            throw SpillError(.corrupt, "can't read a spilled run: a row reaches beyond its block; run the job again")
        }
        self.partition = self.routing.partition(hash: KeyWords(a: self.row.a, b: self.row.b).hash)
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
    private var cursors: [RunCursor]
    /// A binary heap of the cursors that aren't at their end, smallest row first.
    private var heap: [Int] = []

    /// Nothing to read.
    init() {
        self.cursors = []
    }

    init(_ runs: [SortedRun], routing: Routing) throws(SpillError) {
        self.cursors = []
        for run in runs { self.cursors.append(try RunCursor(run, routing: routing)) }
        self.heap = self.cursors.indices.filter { !self.cursors[$0].isAtEnd }
        for position in stride(from: self.heap.count / 2 - 1, through: 0, by: -1) { self.siftDown(position) }
    }

    /// The smallest row that is left.
    var current: RunCursor? { self.heap.first.map { self.cursors[$0] } }

    mutating func advance() throws(SpillError) {
        let cursor = self.cursors[self.heap[0]]
        try cursor.advance()
        if cursor.isAtEnd {
            self.heap[0] = self.heap[self.heap.count - 1]
            self.heap.removeLast()
        }
        if !self.heap.isEmpty { self.siftDown(0) }
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
        let mine = self.cursors[self.heap[left]]
        let other = self.cursors[self.heap[right]]
        if mine.partition != other.partition { return mine.partition < other.partition }
        let order = KeyOrder.compare(mine.keyed, other.keyed)
        // Runs are numbered in the order they were written: equal keys keep it.
        return order == 0 ? self.heap[left] < self.heap[right] : order < 0
    }
}
