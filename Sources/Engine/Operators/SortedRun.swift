internal import ConnectorKit
package import WireFormat

/// A spilled run: rows in the order of partition and key, all of one form.
package struct SortedRun: Sendable {
    let form: RecordBatch.Form
    let run: any SpillRun

    /// How often what is in it was merged: runs of one level are merged together.
    let level: Int

    /// The most bytes that a row here has: what is read back can't have more.
    let rowBytesMaximum: Int

    /// The bytes of every payload where all have the same: 64-bit columns.
    let payloadBytes: Int?

    package init(
        form: RecordBatch.Form,
        run: any SpillRun,
        level: Int = 0,
        rowBytesMaximum: Int,
        payloadBytes: Int? = nil
    ) {
        self.form = form
        self.run = run
        self.level = level
        self.rowBytesMaximum = rowBytesMaximum
        self.payloadBytes = payloadBytes
    }

    /// Bytes in memory while it is read, beyond a block.
    fileprivate var largeRowBytes: Int {
        self.rowBytesMaximum > SortedRunWriter.blockBytes ? self.rowBytesMaximum : 0
    }
}

extension [SortedRun] {
    /// Bytes in memory, beyond a block for each, while all are read at once.
    var largeRowBytes: Int { self.reduce(0) { $0 + $1.largeRowBytes } }

    /// The positions, ascending, of the two smallest runs that have large rows; nil where those of all runs fit in the
    /// limit together.
    func lightestHeavyPair(bytesLimit: Int) -> [Int]? {
        guard self.largeRowBytes > bytesLimit else { return nil }
        let heavy = self.indices.filter { self[$0].largeRowBytes > 0 }
        guard heavy.count > 1 else { return nil }
        return heavy.sorted { self[$0].run.storedBytes < self[$1].run.storedBytes }.prefix(2).sorted()
    }
}

/// Writes rows that come in order.
///
/// Rows are collected in blocks. One that is larger than a block is written in pieces from where it lies: its header, its
/// key and its payload begin a block each, and no other row shares them.
struct SortedRunWriter: ~Copyable {
    private let batch: RecordBatch
    private let writer: any SpillRunWriter
    private let level: Int
    private var rowBytesMaximum = 0
    private var payloadBytes: Int?

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
        self.rowBytesMaximum = max(self.rowBytesMaximum, rowBytes)
        if self.batch.form == .integers { self.payloadBytes = payloadBytes }
        if self.batch.count + rowBytes > Self.blockBytes { try self.flush() }
        guard rowBytes <= Self.blockBytes else {
            let payload = unsafe UnsafeRawBufferPointer(start: payload, count: payloadBytes)
            return try unsafe self.appendLarge(
                key,
                longKey: UnsafeRawBufferPointer(start: longKey, count: keyBytes),
                payload
            )
        }
        let target = unsafe self.batch.append(
            key.a,
            key.b,
            key: longKey,
            keyBytes: keyBytes,
            payloadBytes: payloadBytes
        )
        unsafe target.copyMemory(from: payload, byteCount: payloadBytes)
    }

    private func appendLarge(
        _ key: KeyWords,
        longKey: UnsafeRawBufferPointer,
        _ payload: UnsafeRawBufferPointer
    ) throws(SpillError) {
        var header = (key.a, key.b, UInt32(longKey.count), UInt32(payload.count))
        try unsafe withUnsafeBytes(of: &header) { bytes throws(SpillError) in try unsafe self.writer.append(bytes) }
        try unsafe self.appendPadded(longKey)
        try unsafe self.appendPadded(payload)
    }

    private func appendPadded(_ bytes: UnsafeRawBufferPointer) throws(SpillError) {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return }
        try unsafe self.writer.append(pieces: start, count: bytes.count)
        var padding: UInt64 = 0
        let paddingBytes = -bytes.count & 7
        guard paddingBytes > 0 else { return }
        try unsafe withUnsafeBytes(of: &padding) { bytes throws(SpillError) in
            try unsafe self.writer.append(UnsafeRawBufferPointer(rebasing: bytes[..<paddingBytes]))
        }
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
        try unsafe self.writer.append(pieces: UnsafeRawPointer(self.batch.base), count: self.batch.count)
        self.batch.removeAll()
    }

    consuming func finish() throws(SpillError) -> SortedRun {
        try self.flush()
        return SortedRun(
            form: self.batch.form,
            run: try self.writer.finish(),
            level: self.level,
            rowBytesMaximum: self.rowBytesMaximum,
            payloadBytes: self.payloadBytes
        )
    }
}

/// A place in a run.
///
/// What is read is checked before it is used: a row that can't have been written is an error, not a trap.
@safe
package final class RunCursor {
    /// What changes with every row: behind a pointer, since fields of a class are checked for overlapping accesses.
    @safe
    private struct Place {
        var row: UnsafeRawPointer
        /// Bytes of the block from `row` on.
        var left = 0
        var partition = 0
    }

    private let reader: any SpillRunReader
    private var block = SourceBlock(capacity: SortedRunWriter.blockBytes)
    private let routing: Routing
    private let rowBytesMaximum: Int
    private let payloadBytes: Int?
    private let place: UnsafeMutablePointer<Place>
    let form: RecordBatch.Form

    init(_ run: SortedRun, routing: Routing) throws(SpillError) {
        self.form = run.form
        self.reader = try run.run.makeReader()
        self.routing = routing
        self.rowBytesMaximum = run.rowBytesMaximum
        self.payloadBytes = run.payloadBytes
        unsafe self.place = .allocate(capacity: 1)
        unsafe self.place.initialize(to: Place(row: self.block.base))
        try self.load()
    }

    deinit {
        unsafe self.place.deallocate()
    }

    var isAtEnd: Bool { unsafe self.place.pointee.left <= 0 }

    /// The row here: valid until ``advance()``.
    package var row: RecordRow { unsafe RecordRow(self.place.pointee.row) }

    package var keyed: KeyedRow { KeyedRow(self.row) }

    /// The partition of ``row``.
    var partition: Int { unsafe self.place.pointee.partition }

    func advance() throws(SpillError) {
        let size = self.row.size
        unsafe self.place.pointee.row += size
        unsafe self.place.pointee.left -= size
        if self.isAtEnd { try self.load() } else { try self.check() }
    }

    private func load() throws(SpillError) {
        // What one large row needed isn't kept for those behind it.
        if self.block.capacity > SpillLimits.blockBytes {
            self.block = SourceBlock(capacity: SortedRunWriter.blockBytes)
        }
        self.block.count = 0
        self.enterBlock()
        guard try self.reader.next(into: self.block) else { return }
        self.enterBlock()
        if self.block.count >= RecordBatch.headerBytes, self.row.size > self.block.count {
            try self.assembleLargeRow()
            self.enterBlock()
        }
        try self.check()
    }

    /// Goes to the block's first row.
    private func enterBlock() {
        unsafe self.place.pointee.row = UnsafeRawPointer(self.block.base)
        unsafe self.place.pointee.left = self.block.count
    }

    /// Appends the blocks that a row larger than a block goes on in.
    private func assembleLargeRow() throws(SpillError) {
        let size = self.row.size
        guard size <= self.rowBytesMaximum else { throw Self.corrupt("a row is longer than any was") }
        self.block.grow(to: size, preserving: self.block.count)
        let piece = SourceBlock(capacity: SortedRunWriter.blockBytes)
        while self.block.count < size {
            guard try self.reader.next(into: piece) else { throw Self.corrupt("it ends inside a row") }
            guard piece.count <= size - self.block.count else { throw Self.corrupt("a row is shorter than it says") }
            unsafe (self.block.base + self.block.count).copyMemory(from: piece.base, byteCount: piece.count)
            self.block.count += piece.count
        }
    }

    /// Refuses a row that can't have been written: the store's checksums make that a bug of ours or of the machine.
    private func check() throws(SpillError) {
        let place = unsafe self.place.pointee
        let left = unsafe UnsafeRawBufferPointer(start: place.row, count: place.left)
        let row: RecordRow
        do {
            row = try unsafe RecordRow(checking: left)
        } catch {
            throw Self.corrupt("\(error)")
        }
        let key = KeyWords(a: row.a, b: row.b)
        guard key.isPossible(keyBytes: row.keyBytes) else { throw Self.corrupt("a key isn't one") }
        guard self.payloadBytes == nil || self.payloadBytes == row.payloadBytes else {
            throw Self.corrupt("a row has \(row.payloadBytes) bytes of columns")
        }
        unsafe self.place.pointee.partition = self.routing.partition(hash: key.hash)
    }

    private static func corrupt(_ detail: String) -> SpillError {
        SpillError(.corrupt, "can't read a spilled run: \(detail); check the disk and run the job again")
    }
}

extension KeyWords {
    /// Whether words and the number of key bytes behind them, which may come from anywhere, are those of a key.
    func isPossible(keyBytes: Int) -> Bool {
        switch self.kind {
        case KeyKind.longText, KeyKind.longEncoded: keyBytes == self.count && keyBytes > Self.inlineLimit
        case KeyKind.shortText..<(KeyKind.shortText + 0x10), KeyKind.shortEncoded..<(KeyKind.shortEncoded + 0x10):
            keyBytes == 0
        default: false
        }
    }
}

extension KeyedRow {
    init(_ row: RecordRow) {
        let longKey = unsafe row.keyBytes > 0 ? row.key : nil
        unsafe self.init(key: KeyWords(a: row.a, b: row.b), longKey: longKey, payload: row.payload)
    }
}

/// Reads several runs as one, in order.
package struct RunMerger: ~Copyable {
    /// A cursor with what most comparisons are decided by.
    private struct Entry {
        let partition: Int
        let prefix: UInt64
        let cursor: Int
    }

    private var cursors: [RunCursor]
    /// A binary heap of the cursors that aren't at their end, smallest row first.
    private var heap: [Entry] = []

    /// Nothing to read.
    init() {
        self.cursors = []
    }

    package init(_ runs: [SortedRun], routing: Routing) throws(SpillError) {
        self.cursors = []
        for run in runs { self.cursors.append(try RunCursor(run, routing: routing)) }
        self.heap = self.cursors.indices.filter { !self.cursors[$0].isAtEnd }.map { self.entry($0) }
        for position in stride(from: self.heap.count / 2 - 1, through: 0, by: -1) { self.siftDown(position) }
    }

    /// The smallest row that is left.
    package var current: RunCursor? { self.heap.first.map { self.cursors[$0.cursor] } }

    package mutating func advance() throws(SpillError) {
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
