internal import JobPlan
internal import WireFormat

/// The binary form of a key's states: what crosses the exchange, is spilled and stored.
///
/// Its columns follow each other without padding; numbers are little endian.
///
/// | state    | bytes                                                                                      |
/// | -------- | ------------------------------------------------------------------------------------------ |
/// | counter  | u64                                                                                        |
/// | number   | u8 0: nothing; 1: i64 integer, u64 number of values; 2: u32 length, an ``AggregateState``  |
/// | ordered  | u8 0: nothing; 1: i64 time, u32 length, encoded value                                      |
/// | chain    | u32 number of values, each u32 length, encoded value                                       |
/// | distinct | u32 number of values, each u8 1 for text, u32 length, text or key encoding                 |
/// | sketch   | u8 0: nothing; 1: the registers                                                            |
extension SliceTable {
    func encode(_ states: UnsafePointer<UInt64>, into buffer: inout ByteBuffer) {
        for column in self.layout.columns {
            let words = unsafe states + column.offset
            switch column.storage {
            case .counter: unsafe buffer.append(littleEndian: words[0])
            case .number: unsafe Self.encodeNumber(words, column, into: &buffer)
            case .ordered:
                guard let node = unsafe UnsafeRawPointer(bitPattern: UInt(words[1])) else {
                    buffer.append(0)
                    continue
                }
                buffer.append(1)
                unsafe buffer.append(littleEndian: words[0])
                unsafe Self.append(Self.value(at: node), to: &buffer)
            case .chain:
                unsafe buffer.append(littleEndian: UInt32(words[2]))
                var chain = unsafe ValueChain(address: UInt(words[0]))
                while let value = chain.next() { Self.append(value, to: &buffer) }
            case .distinct(let number):
                unsafe buffer.append(littleEndian: UInt32(words[0]))
                unsafe self.encodeDistinct(self.distincts[number], from: words[2], into: &buffer)
            case .sketch:
                guard let registers = unsafe UnsafePointer<UInt8>(bitPattern: UInt(words[0])) else {
                    buffer.append(0)
                    continue
                }
                buffer.append(1)
                unsafe buffer.append(Bytes(start: registers, count: ValueSketch.registerCount))
            }
        }
    }

    /// Appends every key with its encoded states.
    func appendRows(to rows: inout RowOutput, through buffer: inout ByteBuffer) {
        self.forEachRowFetched { row in
            buffer.removeAll()
            unsafe self.encode(row.payload.assumingMemoryBound(to: UInt64.self), into: &buffer)
            let bytes = buffer.bytes
            let target = unsafe rows.append(
                row.key,
                hash: row.key.hash,
                longKey: row.longKey,
                payloadBytes: bytes.count,
                form: .states
            )
            unsafe target.copyMemory(from: bytes.start, byteCount: bytes.count)
        }
    }

    private func encodeDistinct(_ set: DistinctSet, from newest: UInt64, into buffer: inout ByteBuffer) {
        // The closure may not write to an inout that it captures while others do: it has the buffer for itself.
        set.forEachValue(from: newest) { key, bytes in
            buffer.append(key.isText ? 1 : 0)
            Self.append(bytes, to: &buffer)
        }
    }

    private static func encodeNumber(
        _ words: UnsafePointer<UInt64>,
        _ column: WindowLayout.Column,
        into buffer: inout ByteBuffer
    ) {
        if unsafe words[2] != 0 {
            buffer.append(2)
            let start = buffer.count
            buffer.append(littleEndian: UInt32(0))
            unsafe Self.numberState(words, column).encode(into: &buffer)
            buffer.replace(at: start, littleEndian: UInt32(buffer.count - start - 4))
        } else if unsafe words[1] > 0 {
            buffer.append(1)
            unsafe buffer.append(littleEndian: words[0])
            unsafe buffer.append(littleEndian: words[1])
        } else {
            buffer.append(0)
        }
    }

    private static func append(_ bytes: Bytes, to buffer: inout ByteBuffer) {
        buffer.append(littleEndian: UInt32(bytes.count))
        buffer.append(bytes)
    }

    // MARK: Decoding

    /// Rows whose slots are fetched before they are needed.
    private static let rowsAhead = 12

    /// Takes the encoded states of many keys.
    ///
    /// - Throws: As ``merge(_:into:arena:)``.
    mutating func merge(_ batch: RecordBatch, arena: inout Arena) throws(ValueDecodingError) {
        let start = unsafe batch.base
        let count = batch.count
        var waiting = WaitingEntries<WaitingInsert>()
        var ahead = 0
        for _ in 0..<Self.rowsAhead where ahead < count { ahead += unsafe self.fetch(RecordRow(start + ahead)) }
        var offset = 0
        while offset < count {
            if ahead < count { ahead += unsafe self.fetch(RecordRow(start + ahead)) }
            let row = unsafe RecordRow(start + offset)
            let key = KeyWords(a: row.a, b: row.b)
            // What waits knows where states are.
            if self.short.isAboutToGrow || self.long.isAboutToGrow { self.insert(&waiting) }
            let states = unsafe self.states(of: key, longKey: row.keyBytes > 0 ? row.key : nil)
            let encoded = unsafe Bytes(start: row.payload.assumingMemoryBound(to: UInt8.self), count: row.payloadBytes)
            try unsafe self.merge(encoded, into: states, arena: &arena, &waiting)
            offset += row.size
        }
        self.insert(&waiting)
    }

    /// A value of a key that was encoded, where its bytes lie.
    @safe
    private struct WaitingInsert {
        let value: KeyWords
        let bytes: Bytes
        let set: Int
        let words: UnsafeMutablePointer<UInt64>
    }

    private func insert(_ waiting: inout WaitingEntries<WaitingInsert>) {
        waiting.removeAll { entry in
            let words = unsafe entry.words
            let set = self.distincts[entry.set]
            if unsafe set.insert(entry.value, entry.bytes, key: words[1], newest: &words[2]) { unsafe words[0] &+= 1 }
        }
    }

    /// Takes so many rows of a ``SnapshotFormat`` that lie before a reader, but for those of a hash that isn't `wanted`.
    ///
    /// - Throws: As ``merge(_:into:arena:)``.
    mutating func merge(
        _ reader: inout StateReader,
        rows count: UInt32,
        arena: inout Arena,
        wanted: (UInt64) -> Bool
    ) throws(ValueDecodingError) {
        var waiting = WaitingEntries<WaitingInsert>()
        var ahead = reader
        for _ in 0..<min(count, UInt32(Self.rowsAhead)) { self.fetch(&ahead) }
        for index in 0..<count {
            if count - index > Self.rowsAhead { self.fetch(&ahead) }
            let row = try SnapshotRow(&reader)
            let hash = row.key.hash
            guard wanted(hash) else { continue }
            if self.short.isAboutToGrow || self.long.isAboutToGrow { self.insert(&waiting) }
            let states =
                unsafe row.longKey == nil
                ? self.short.payload(of: row.key, hash: hash) : self.states(of: row.key, longKey: row.longKey)
            unsafe try self.merge(row.states, into: states, arena: &arena, &waiting)
        }
        self.insert(&waiting)
    }

    @inline(__always)
    private func fetch(_ reader: inout StateReader) {
        // One that can't be read is found when its turn comes.
        guard let row = try? SnapshotRow(&reader), unsafe row.longKey == nil else { return }
        self.short.prefetchAll(row.key.hash)
    }

    /// - Returns: The size of the row.
    @inline(__always)
    private func fetch(_ row: RecordRow) -> Int {
        if row.keyBytes == 0 { self.short.prefetch(KeyWords(a: row.a, b: row.b).hash) }
        return row.size
    }

    /// Takes encoded states of a key.
    ///
    /// - Throws: The bytes aren't exactly the states of this layout; some of them may have been taken.
    mutating func merge(
        _ encoded: Bytes,
        into states: UnsafeMutablePointer<UInt64>,
        arena: inout Arena
    ) throws(ValueDecodingError) {
        var waiting = WaitingEntries<WaitingInsert>()
        try unsafe self.merge(encoded, into: states, arena: &arena, &waiting)
        self.insert(&waiting)
    }

    private mutating func merge(
        _ encoded: Bytes,
        into states: UnsafeMutablePointer<UInt64>,
        arena: inout Arena,
        _ waiting: inout WaitingEntries<WaitingInsert>
    ) throws(ValueDecodingError) {
        var reader = StateReader(encoded)
        for column in self.layout.columns {
            let words = unsafe states + column.offset
            switch column.storage {
            case .counter: unsafe words[0] &+= try reader.number(UInt64.self)
            case .number: unsafe try self.mergeNumber(&reader, into: words, column, &arena)
            case .ordered(let takesLast):
                guard try reader.flag() else { continue }
                let time = try reader.number(Int64.self)
                unsafe self.keep(try reader.bytes(), time: time, in: words, takesLast: takesLast)
            case .chain:
                for _ in 0..<(try reader.number(UInt32.self)) { unsafe self.append(try reader.bytes(), to: words) }
            case .distinct(let number):
                unsafe try self.mergeDistinct(&reader, into: words, set: number, &waiting)
            case .sketch:
                guard try reader.flag() else { continue }
                let registers = try reader.bytes(count: ValueSketch.registerCount)
                guard unsafe registers.buffer.allSatisfy({ $0 <= ValueSketch.rankMaximum }) else {
                    throw .impossible(offset: reader.offset)
                }
                unsafe ValueSketch.merge(registers.start, into: self.sketch(words))
            }
        }
        try reader.end()
    }

    private mutating func mergeDistinct(
        _ reader: inout StateReader,
        into words: UnsafeMutablePointer<UInt64>,
        set number: Int,
        _ waiting: inout WaitingEntries<WaitingInsert>
    ) throws(ValueDecodingError) {
        let count = try reader.number(UInt32.self)
        guard count > 0 else { return }
        unsafe self.numberKey(of: words)
        let set = self.distincts[number]
        for _ in 0..<count {
            let isText = try reader.flag()
            let bytes = try reader.bytes()
            let value = unsafe KeyWords(bytes.start, count: bytes.count, isText: isText)
            unsafe set.prefetch(value, key: words[1])
            let insert = unsafe WaitingInsert(value: value, bytes: bytes, set: number, words: words)
            if waiting.append(insert) { self.insert(&waiting) }
        }
    }

    private mutating func mergeNumber(
        _ reader: inout StateReader,
        into words: UnsafeMutablePointer<UInt64>,
        _ column: WindowLayout.Column,
        _ arena: inout Arena
    ) throws(ValueDecodingError) {
        switch try reader.number(UInt8.self) {
        case 0: return
        case 1:
            var others: (UInt64, UInt64, UInt64) = (try reader.number(UInt64.self), try reader.number(UInt64.self), 0)
            guard others.1 > 0 else { throw .impossible(offset: reader.offset) }
            if unsafe words[1] == 0, unsafe words[2] == 0 {
                unsafe words[0] = others.0
                unsafe words[1] = others.1
                return
            }
            unsafe withUnsafeBytes(of: &others) { bytes in
                let start = unsafe bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt64.self)
                if unsafe words[2] == 0, unsafe Self.mergeIntegers(start, into: words, column) { return }
                unsafe self.mergeWide(Self.numberState(start, column), into: words, column)
            }
        case 2:
            let bytes = try reader.bytes()
            arena.reset()
            unsafe self.mergeWide(try AggregateState(decoding: bytes, in: &arena), into: words, column)
        default: throw .impossible(offset: reader.offset)
        }
    }
}

/// Reads encoded states from their beginning to their end.
struct StateReader {
    private let all: Bytes
    private(set) var offset = 0

    init(_ bytes: Bytes) {
        self.all = bytes
    }

    /// Calls `body` with the bytes of a stage's state in a checkpoint; `stored` names what is kept in it.
    ///
    /// - Throws: What `body` throws, as an error of the engine.
    static func read(
        _ snapshot: [UInt8],
        of stored: String,
        _ body: (Bytes) throws -> Void
    ) throws(EngineError) {
        do {
            try unsafe snapshot.withUnsafeBufferPointer { buffer in
                guard let start = buffer.baseAddress else { throw ValueDecodingError.truncated(offset: 0) }
                try body(unsafe Bytes(start: start, count: buffer.count))
            }
        } catch let error as EngineError {
            throw error
        } catch {
            throw .corrupt("can't read the state of \(stored) from a checkpoint: \(error)")
        }
    }

    /// Bytes that weren't read.
    var remainingCount: Int { self.all.count - self.offset }

    mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type
    ) throws(ValueDecodingError) -> Number {
        let size = MemoryLayout<Number>.size
        guard self.all.count - self.offset >= size else { throw .truncated(offset: self.offset) }
        defer { self.offset += size }
        return self.all.littleEndian(Number.self, at: self.offset)
    }

    /// One byte, 0 or 1.
    mutating func flag() throws(ValueDecodingError) -> Bool {
        switch try self.number(UInt8.self) {
        case 0: return false
        case 1: return true
        default: throw .impossible(offset: self.offset - 1)
        }
    }

    /// Bytes behind their length.
    mutating func bytes() throws(ValueDecodingError) -> Bytes {
        try self.bytes(count: Int(try self.number(UInt32.self)))
    }

    mutating func bytes(count: Int) throws(ValueDecodingError) -> Bytes {
        guard count <= self.all.count - self.offset else { throw .truncated(offset: self.offset) }
        defer { self.offset += count }
        return self.all.slice(self.offset, self.offset + count)
    }

    /// Checks that nothing is left.
    func end() throws(ValueDecodingError) {
        guard self.offset == self.all.count else { throw .trailingBytes(offset: self.offset) }
    }
}
