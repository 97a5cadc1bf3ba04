/// What the keys of a slice have got, in layers, the oldest first: the states of a key are those of all layers merged.
///
/// A slice that no checkpoint was taken of has one layer. A checkpoint freezes the layers that it hands over; what comes then
/// goes into a new one, which therefore is exactly what the next checkpoint has to write. When a checkpoint is complete, the
/// layers that it holds are merged into one, some keys at a time.
///
/// Layers that must leave memory are written to disk as they are: see ``SpilledTable``.
struct LayeredSlice {
    struct Layer {
        enum Content {
            case table(SliceBox)
            case spilled(SpilledTable)
        }

        fileprivate(set) var content: Content

        /// What complete checkpoints hold: together exactly this layer; none: nothing of it.
        fileprivate(set) var pieces: [StoredPiece] = []

        /// The piece as which it is being written.
        fileprivate(set) var writing: PieceID?

        fileprivate init(_ box: SliceBox) {
            self.content = .table(box)
        }

        /// Nil where it is on disk.
        var box: SliceBox? {
            if case .table(let box) = self.content { box } else { nil }
        }

        /// Bytes in memory.
        var bytes: Int { self.box?.table.bytes ?? 0 }

        var keyCount: Int {
            switch self.content {
            case .table(let box): box.table.keyCount
            case .spilled(let table): table.keyCount
            }
        }

        /// Whether more may go into it.
        fileprivate var isOpen: Bool { self.pieces.isEmpty && self.writing == nil && self.box != nil }
    }

    /// A piece that a complete checkpoint holds, and how many keys are in it.
    struct StoredPiece {
        let id: PieceID
        let keyCount: Int
    }

    let start: Int64
    private(set) var layers: [Layer]

    /// The layer that is being merged into the one before it: the states of keys that were moved are nothing in it.
    private var moving: (source: Int, cursor: TableCursor)?

    /// Pieces that a layer consists of at most before it is written anew.
    private static let chainLimit = 16

    init(start: Int64, _ box: SliceBox) {
        self.start = start
        self.layers = [Layer(box)]
    }

    /// Bytes in memory.
    var bytes: Int { self.layers.reduce(0) { $0 + $1.bytes } }

    /// Keys in all layers; one in several counts several times.
    var keyCount: Int { self.layers.reduce(0) { $0 + $1.keyCount } }

    // MARK: Reading and writing

    /// Its table, where there is one only and nobody else reads it.
    var onlyBox: SliceBox? { self.layers.count == 1 && self.layers[0].writing == nil ? self.layers[0].box : nil }

    /// The layer that more may go into, made where there is none.
    mutating func open(_ make: () -> SliceBox) -> SliceBox {
        if self.moving?.source == self.layers.count - 1 { _ = self.merge(limit: .max) }
        if let last = self.layers.last, last.isOpen, let box = last.box { return box }
        let box = make()
        self.layers.append(Layer(box))
        return box
    }

    /// Everything as one table; only where nothing of it is on disk.
    ///
    /// Where the oldest layer is being written it is copied. Otherwise it takes the others, and is written anew if there is
    /// another checkpoint before the slice is over.
    mutating func settled(_ make: () -> SliceBox) -> SliceBox {
        while self.merge(limit: .max) {}
        let oldest = self.layers[0]
        if self.layers.count == 1, let box = oldest.box { return box }
        let lent = oldest.writing == nil ? oldest.box : nil
        let box = lent ?? make()
        for other in lent == nil ? self.layers[...] : self.layers.dropFirst() {
            guard let table = other.box else { preconditionFailure("a slice on disk isn't put together in memory") }
            box.table.merge(table.table)
        }
        self.layers = [Layer(box)]
        return box
    }

    /// Merges some keys of two layers that belong together.
    ///
    /// - Returns: False where no layers do.
    mutating func merge(limit: Int) -> Bool {
        guard let move = self.moving ?? self.nextMove else { return false }
        let source = move.source
        var cursor = move.cursor
        guard let from = self.layers[source].box, let into = self.layers[source - 1].box else { return false }
        for _ in 0..<limit {
            guard let row = from.table.next(&cursor) else {
                self.layers[source - 1].pieces += self.layers[source].pieces
                self.layers.remove(at: source)
                self.moving = nil
                return true
            }
            let words = unsafe UnsafeMutablePointer(mutating: row.payload.assumingMemoryBound(to: UInt64.self))
            let states = unsafe into.table.states(of: row.key, longKey: row.longKey)
            unsafe into.table.merge(words, of: from.table, into: states)
            // It is in one layer at any moment.
            unsafe words.update(repeating: 0, count: from.table.layout.wordCount)
        }
        self.moving = (source, cursor)
        return true
    }

    private var nextMove: (source: Int, cursor: TableCursor)? {
        for source in self.layers.indices.dropFirst() {
            let (left, right) = (self.layers[source - 1], self.layers[source])
            guard left.writing == nil, right.writing == nil, left.box != nil, right.box != nil else { continue }
            if left.pieces.isEmpty == right.pieces.isEmpty { return (source, TableCursor()) }
        }
        return nil
    }

    // MARK: Disk

    var isSpilled: Bool { self.layers.contains { $0.box == nil } }

    /// Bytes in memory that go free where they are spilled now: nobody is writing them into a checkpoint.
    var bytesToSpill: Int { self.layers.reduce(0) { $0 + ($1.writing == nil ? $1.bytes : 0) } }

    /// Bytes that it will soon take in addition, while its tables grow.
    var growthBytes: Int { self.layers.last?.box?.table.growthBytes ?? 0 }

    /// Moves layers from memory to disk: all, or those only whose memory goes free.
    ///
    /// - Returns: What they are there.
    mutating func spill(to store: any SpillStore, all: Bool) throws(SpillError) -> [SpilledTable] {
        var tables: [SpilledTable] = []
        if self.moving != nil { _ = self.merge(limit: .max) }
        for index in self.layers.indices where all || self.layers[index].writing == nil {
            guard let box = self.layers[index].box, box.table.keyCount > 0 else { continue }
            let table = try SpilledTable(box.table, to: store)
            self.layers[index].content = .spilled(table)
            tables.append(table)
        }
        return tables
    }

    // MARK: Checkpoints

    /// Adds up the keys of the pieces that it still consists of, by checkpoint.
    func countPieces(into counts: inout [Int64: Int]) {
        for layer in self.layers {
            for piece in layer.pieces { counts[piece.id.checkpoint, default: 0] += piece.keyCount }
        }
    }

    /// Hands all layers over, and changes none of them until the checkpoint is settled.
    ///
    /// `next` numbers a new piece. Of the checkpoints in `sparse` most pieces are nobody's any more: what is left of them is
    /// written anew.
    mutating func freeze(sparse: Set<Int64>, next: () -> PieceID) -> [StatePiece] {
        if self.moving != nil { _ = self.merge(limit: .max) }
        self.dropPieces(sparse: sparse)
        var pieces: [StatePiece] = []
        let name = "slice/\(self.start)"
        for index in self.layers.indices where self.layers[index].keyCount > 0 {
            let layer = self.layers[index]
            for piece in layer.pieces {
                pieces.append(StatePiece(name: name, id: piece.id, keyCount: piece.keyCount, content: nil))
            }
            guard layer.pieces.isEmpty else { continue }
            let id = next()
            self.layers[index].writing = id
            let content: any FrozenState =
                switch layer.content {
                case .table(let box): FrozenSlice(start: self.start, box: box)
                case .spilled(let table): FrozenSpilledSlice(start: self.start, table: table)
                }
            pieces.append(StatePiece(name: name, id: id, keyCount: layer.keyCount, content: content))
        }
        return pieces
    }

    /// Forgets that layers are stored where they are better written anew; those behind them then as well, since pieces are
    /// restored in the order in which they were written.
    private mutating func dropPieces(sparse: Set<Int64>) {
        let first = self.layers.firstIndex { layer in
            let keyCount = layer.pieces.reduce(0) { $0 + $1.keyCount }
            return layer.pieces.count >= Self.chainLimit || keyCount > 2 * layer.keyCount
                || layer.pieces.contains { sparse.contains($0.id.checkpoint) }
        }
        guard let first else { return }
        for index in self.layers.indices.dropFirst(first) { self.layers[index].pieces = [] }
    }

    /// The checkpoint that was handed over last is complete, or was given up.
    mutating func settle(_ checkpoint: Int64, isStored: Bool) {
        for index in self.layers.indices {
            guard let id = self.layers[index].writing, id.checkpoint <= checkpoint else { continue }
            self.layers[index].writing = nil
            guard isStored, id.checkpoint == checkpoint else { continue }
            self.layers[index].pieces = [StoredPiece(id: id, keyCount: self.layers[index].keyCount)]
        }
    }

    /// Remembers of what was restored that a complete checkpoint holds it.
    ///
    /// What had to be spilled meanwhile isn't cut as the checkpoint's pieces are: the next one writes it anew.
    mutating func noteStored(_ piece: StoredPiece) {
        guard !self.isSpilled else { return }
        self.layers[0].pieces.append(piece)
    }
}

/// A layer of a slice, for whoever writes a checkpoint.
///
/// | bytes    | field of a chunk                                     |
/// | -------- | ---------------------------------------------------- |
/// | u32, u32 | ``magic``, ``version``                               |
/// | i64, u32 | where the slice begins, number of rows               |
/// | –        | rows, as ``SnapshotFormat`` has them                 |
// SAFETY: a slice doesn't change a layer that it has handed over before the checkpoint is settled, which is when nobody
// reads this any more.
struct FrozenSlice: FrozenState, @unchecked Sendable {
    /// `WSLC`, little endian.
    static let magic: UInt32 = 0x434C_5357
    static let version: UInt32 = 1

    let start: Int64
    let box: SliceBox

    func encode(_ write: ([UInt8]) throws -> Void) throws {
        var chunks = SliceChunks(start: self.start)
        var cursor = TableCursor()
        while let row = self.box.table.next(&cursor) {
            try chunks.append(write) { buffer in SnapshotFormat.append(row, of: self.box.table, to: &buffer) }
        }
        try chunks.flush(write)
    }
}

/// Rows of a slice in chunks, each of which is a frame of a blob.
struct SliceChunks: ~Copyable {
    private let start: Int64
    private var buffer = ByteBuffer(capacity: 2 * Self.chunkBytes)
    private var count: UInt32 = 0

    private static let chunkBytes = 960 << 10
    private static let countOffset = 16

    init(start: Int64) {
        self.start = start
    }

    /// Adds the row that `body` appends, and hands a chunk over that is full.
    mutating func append(_ write: ([UInt8]) throws -> Void, _ body: (inout ByteBuffer) -> Void) throws {
        if self.count == 0 { self.begin() }
        body(&self.buffer)
        self.count += 1
        if self.buffer.count >= Self.chunkBytes { try self.flush(write) }
    }

    /// Hands over what is left.
    mutating func flush(_ write: ([UInt8]) throws -> Void) throws {
        guard self.count > 0 else { return }
        self.buffer.replace(at: Self.countOffset, littleEndian: self.count)
        self.count = 0
        try write(self.buffer.bytes.array)
    }

    private mutating func begin() {
        self.buffer.removeAll()
        self.buffer.append(littleEndian: FrozenSlice.magic)
        self.buffer.append(littleEndian: FrozenSlice.version)
        self.buffer.append(littleEndian: self.start)
        self.buffer.append(littleEndian: UInt32(0))
    }
}
