internal import FluentSyntax
internal import WireFormat

/// Emitted pairs that wait to be aggregated or shipped together.
///
/// A pair holds nothing that lies in an arena or input block: short keys and scalar values are inline, anything else is
/// encoded in `bytes`. Pairs of a record that fails are taken back with ``truncate(to:)``.
///
/// A pair with long text (``largeTextBytes``) is laid out at once as the row that is shipped, so that its bytes aren't
/// copied a second time.
@safe
struct PairBuffer: ~Copyable {
    /// Where a buffer stood: what ``truncate(to:)`` goes back to.
    struct Mark {
        let count: Int
        let bytes: Int
        let largeRows: Int
    }

    /// A row of its own, and the pair that it is.
    private struct LargeRow {
        let index: Int
        let batch: RecordBatch
    }

    /// What ``PairCursor`` tells: where the next pair belongs.
    let cursor: UnsafeMutablePointer<PairCursor>
    private var capacity: Int
    private let directLimit: Int

    /// Scalars as they are; other values with their tag, the offset of their encoding in `bytes`, and its length.
    ///
    /// An offset with ``largeRowFlag`` is the position of a large row instead.
    var values: UnsafeMutablePointer<Value> { unsafe self.cursor.pointee.values }
    var keys: UnsafeMutablePointer<KeyWords> { unsafe self.cursor.pointee.keys }

    private(set) var count: Int {
        get { unsafe self.cursor.pointee.count }
        nonmutating set { unsafe self.cursor.pointee.count = newValue }
    }

    /// Offset in `bytes` of a key that is long; below zero the complement of the position of a large row.
    private(set) var keyOffsets: UnsafeMutablePointer<Int>
    private(set) var bytes = ByteBuffer(capacity: 4_096)
    private var largeRows: [LargeRow] = []
    private var largeBytes = 0

    /// Whether so many bytes are held that the pairs are passed on before there are many of them.
    private(set) var isHeavy = false

    /// Text of more bytes makes its pair a large row.
    static let largeTextBytes = 128 << 10
    private static let heavyBytes = 1 << 20
    private static let largeRowFlag: UInt64 = 1 << 63

    /// A buffer to which up to `directLimit` pairs may be added through ``cursor``.
    init(capacity: Int = 256, directLimit: Int = 0) {
        self.capacity = capacity
        self.directLimit = directLimit
        unsafe self.keyOffsets = .allocate(capacity: capacity)
        unsafe self.cursor = .allocate(capacity: 1)
        let cursor = unsafe PairCursor(keys: .allocate(capacity: capacity), values: .allocate(capacity: capacity))
        unsafe self.cursor.initialize(to: cursor)
        self.allowsDirectAppends = true
    }

    deinit {
        unsafe self.keys.deallocate()
        unsafe self.values.deallocate()
        unsafe self.cursor.deallocate()
        unsafe self.keyOffsets.deallocate()
    }

    /// Whether pairs may be added through ``cursor``.
    var allowsDirectAppends: Bool {
        get { unsafe self.cursor.pointee.limit > 0 }
        nonmutating set { unsafe self.cursor.pointee.limit = newValue ? min(self.directLimit, self.capacity) : 0 }
    }

    var mark: Mark { Mark(count: self.count, bytes: self.bytes.count, largeRows: self.largeRows.count) }

    /// Bytes held, for the limit of a record whose pairs must wait for its end.
    var heldBytes: Int { self.count * 40 + self.bytes.count + self.largeBytes }

    @inline(__always)
    mutating func append(key: Value, value: Value) throws(EvaluationError.Code) {
        if self.count == self.capacity { self.grow() }
        var words: KeyWords
        if key.isTextKey {
            let text = key.text
            words = unsafe KeyWords(text.start, count: text.count, isText: true)
            if words.isLong {
                if text.count > Self.largeTextBytes || Self.isLarge(value) {
                    return try self.appendLarge(words, longKey: text, value)
                }
                unsafe self.keyOffsets[self.count] = self.bytes.count
                self.bytes.append(text)
                if self.bytes.count > Self.heavyBytes { self.isHeavy = true }
            }
        } else if key.has(.integer) {
            words = KeyWords(integer: key.integer)
        } else {
            words = try self.encodedKey(key)
        }
        unsafe self.keys[self.count] = words
        if value.isScalar {
            unsafe self.values[self.count] = value
        } else if Self.isLarge(value), !words.isLong {
            return try self.appendLarge(words, longKey: nil, value)
        } else {
            unsafe self.values[self.count] = try self.encoded(value)
        }
        self.count &+= 1
    }

    @inline(__always)
    static func isLarge(_ value: Value) -> Bool { value.has(.string) && value.count > Self.largeTextBytes }

    /// Appends a pair as a row of its own.
    @inline(never)
    private mutating func appendLarge(
        _ words: KeyWords,
        longKey: Bytes?,
        _ value: Value
    ) throws(EvaluationError.Code) {
        let offset = self.bytes.count
        let isText = value.has(.string)
        if !isText { _ = try self.encoded(value) }
        let payload = isText ? value.text : self.bytes.slice(offset, self.bytes.count)
        let payloadBytes = payload.count + (isText ? 1 : 0)
        let keyBytes = longKey?.count ?? 0
        let batch = RecordBatch(
            form: .value,
            capacity: RecordBatch.rowBytes(keyBytes: keyBytes, payloadBytes: payloadBytes)
        )
        var target = unsafe batch.append(
            words.a,
            words.b,
            key: longKey.map { unsafe UnsafeRawPointer($0.start) },
            keyBytes: keyBytes,
            payloadBytes: payloadBytes
        )
        if isText {
            unsafe target.storeBytes(of: ValueCodec.Mark.string, as: UInt8.self)
            unsafe target += 1
        }
        unsafe target.copyMemory(from: payload.start, byteCount: payload.count)
        self.bytes.truncate(to: offset)
        let position = self.largeRows.count
        unsafe self.keys[self.count] = words
        unsafe self.keyOffsets[self.count] = ~position
        unsafe self.values[self.count] =
            value.isScalar
            ? value : Value(value.tag, bits: Self.largeRowFlag | UInt64(position), count: payloadBytes)
        self.largeRows.append(LargeRow(index: self.count, batch: batch))
        self.largeBytes += batch.count
        self.isHeavy = true
        self.count &+= 1
    }

    /// The pair as a batch of its own where it is a large one: to be handed on, not changed.
    func largeBatch(_ index: Int) -> RecordBatch? {
        self.largeRows.isEmpty ? nil : self.largeRows.first { $0.index == index }?.batch
    }

    @inline(never)
    private mutating func encodedKey(_ key: Value) throws(EvaluationError.Code) -> KeyWords {
        let offset = self.bytes.count
        do {
            try ValueCodec.encodeKey(key, into: &self.bytes)
        } catch {
            self.bytes.truncate(to: offset)
            throw error.code(operation: "emit", expected: "a key")
        }
        let encoded = self.bytes.slice(offset, self.bytes.count)
        let words = unsafe KeyWords(encoded.start, count: encoded.count, isText: false)
        unsafe self.keyOffsets[self.count] = offset
        if !words.isLong { self.bytes.truncate(to: offset) }
        return words
    }

    @inline(never)
    private mutating func encoded(_ value: Value) throws(EvaluationError.Code) -> Value {
        let offset = self.bytes.count
        do {
            try ValueCodec.encode(value, into: &self.bytes)
        } catch {
            self.bytes.truncate(to: offset)
            throw error.code(operation: "emit", expected: "a value that can travel")
        }
        if self.bytes.count > Self.heavyBytes { self.isHeavy = true }
        return Value(value.tag, bits: UInt64(offset), count: self.bytes.count - offset)
    }

    /// The encoding of a pair's value that isn't a scalar.
    func encoding(of value: Value) -> Bytes {
        if value.bits & Self.largeRowFlag != 0 {
            let row = unsafe RecordRow(self.largeRows[Int(value.bits & ~Self.largeRowFlag)].batch.base)
            return unsafe Bytes(start: row.payload.assumingMemoryBound(to: UInt8.self), count: row.payloadBytes)
        }
        return self.bytes.slice(Int(value.bits), Int(value.bits) + value.count)
    }

    func longKey(_ index: Int) -> Bytes {
        let offset = unsafe self.keyOffsets[index]
        if offset < 0 {
            let row = unsafe RecordRow(self.largeRows[~offset].batch.base)
            return unsafe Bytes(start: row.key.assumingMemoryBound(to: UInt8.self), count: row.keyBytes)
        }
        return unsafe self.bytes.slice(offset, offset + self.keys[index].count)
    }

    mutating func truncate(to mark: Mark) {
        self.count = mark.count
        self.bytes.truncate(to: mark.bytes)
        while self.largeRows.count > mark.largeRows { self.largeBytes -= self.largeRows.removeLast().batch.count }
        self.isHeavy = !self.largeRows.isEmpty || self.bytes.count > Self.heavyBytes
    }

    mutating func removeAll() {
        self.count = 0
        guard self.isHeavy else { return self.bytes.removeAll() }
        self.bytes.removeAll(capacityLimit: Self.heavyBytes)
        self.largeRows = []
        self.largeBytes = 0
        self.isHeavy = false
    }

    @inline(never)
    private mutating func grow() {
        let larger = self.capacity * 2
        unsafe self.cursor.pointee.keys = Self.moved(self.keys, count: self.count, capacity: larger)
        unsafe self.cursor.pointee.values = Self.moved(self.values, count: self.count, capacity: larger)
        unsafe self.keyOffsets = Self.moved(self.keyOffsets, count: self.count, capacity: larger)
        self.capacity = larger
    }

    private static func moved<Element: BitwiseCopyable>(
        _ old: UnsafeMutablePointer<Element>,
        count: Int,
        capacity: Int
    ) -> UnsafeMutablePointer<Element> {
        let new = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        unsafe new.update(from: old, count: count)
        unsafe old.deallocate()
        return unsafe new
    }
}

extension ValueWalkError {
    /// Why a value can't leave a lambda through `operation`.
    func code(operation: String, expected: String) -> EvaluationError.Code {
        switch self {
        case .notStorable(let tag): .typeMismatch(operation: operation, expected: expected, found: tag.typeName)
        case .tooDeep: .invalidArgument(operation: operation, reason: "the value is nested too deeply")
        case .outOfSteps, .tooLarge: .invalidArgument(operation: operation, reason: "the value is too large")
        }
    }
}

/// Where the next pair of a ``PairBuffer`` belongs: so that a machine can add the commonest pairs without a call.
///
/// It lives as long as the buffer, at one address.
@safe
struct PairCursor {
    var count = 0
    /// So many pairs may be in the buffer after a direct append; 0 sends all to ``PairBuffer/append(key:value:)``.
    var limit = 0
    var keys: UnsafeMutablePointer<KeyWords>
    var values: UnsafeMutablePointer<Value>

    init(keys: UnsafeMutablePointer<KeyWords>, values: UnsafeMutablePointer<Value>) {
        unsafe self.keys = keys
        unsafe self.values = values
    }
}

extension UnsafeMutablePointer<PairCursor> {
    /// Adds a pair of short text and a scalar.
    ///
    /// - Returns: False, and nothing is added, where the pair is another or the buffer wants to be asked.
    @inline(__always)
    func append(key: Value, value: Value) -> Bool {
        let count = unsafe self.pointee.count
        // An empty text may have no address.
        let isShortText = key.has(.string) && UInt(bitPattern: key.count &- 1) < UInt(KeyWords.inlineLimit)
        guard isShortText, value.isScalar, KeyWords.canRead(key.bits), unsafe count < self.pointee.limit else {
            return false
        }
        let words = unsafe KeyWords(short: key.address, count: key.count, kind: KeyKind.shortText)
        unsafe self.pointee.keys[count] = words
        unsafe self.pointee.values[count] = value
        unsafe self.pointee.count = count &+ 1
        return true
    }
}

extension Value {
    /// A scalar or a string: what every format writes as it is.
    var isPlain: Bool { self.isScalar || self.has(.string) }

    /// Held by its own 16 bytes alone.
    @inline(__always)
    var isScalar: Bool { self.rawTag <= Tag.float.rawValue }
}

extension Value.Tag {
    /// What messages call values of this tag.
    package var typeName: String {
        switch self {
        case .nil: TypeName.nil
        case .boolean: TypeName.boolean
        case .integer: TypeName.integer
        case .float: TypeName.float
        case .string: TypeName.string
        case .symbol: TypeName.symbol
        case .keyword: TypeName.keyword
        case .list: TypeName.list
        case .map: TypeName.map
        case .set: TypeName.set
        case .function, .builtin: TypeName.function
        case .regex: TypeName.regex
        case .stream: TypeName.sequence
        case .handle: TypeName.handle
        }
    }
}
