internal import FluentSyntax

/// Emitted pairs that wait to be aggregated or shipped together.
///
/// A pair holds nothing that lies in an arena or input block: short keys and scalar values are inline, anything else is
/// encoded in `bytes`. Pairs of a record that fails are taken back with ``truncate(to:)``.
@safe
struct PairBuffer: ~Copyable {
    /// Where a buffer stood: what ``truncate(to:)`` goes back to.
    struct Mark {
        let count: Int
        let bytes: Int
    }

    private(set) var count = 0
    private var capacity: Int
    private(set) var keys: UnsafeMutablePointer<KeyWords>
    /// Scalars as they are; other values with their tag, the offset of their encoding in `bytes`, and its length.
    private(set) var values: UnsafeMutablePointer<Value>
    /// Offset in `bytes` of a key that is long.
    private(set) var keyOffsets: UnsafeMutablePointer<Int>
    private(set) var bytes = ByteBuffer(capacity: 4_096)

    init(capacity: Int = 256) {
        self.capacity = capacity
        unsafe self.keys = .allocate(capacity: capacity)
        unsafe self.values = .allocate(capacity: capacity)
        unsafe self.keyOffsets = .allocate(capacity: capacity)
    }

    deinit {
        unsafe self.keys.deallocate()
        unsafe self.values.deallocate()
        unsafe self.keyOffsets.deallocate()
    }

    var mark: Mark { Mark(count: self.count, bytes: self.bytes.count) }

    /// Bytes held, for the limit of a record whose pairs must wait for its end.
    var heldBytes: Int { self.count * 40 + self.bytes.count }

    @inline(__always)
    mutating func append(key: Value, value: Value) throws(EvaluationError.Code) {
        if self.count == self.capacity { self.grow() }
        var words: KeyWords
        if key.isTextKey {
            let text = key.text
            words = unsafe KeyWords(text.start, count: text.count, isText: true)
            if words.isLong {
                unsafe self.keyOffsets[self.count] = self.bytes.count
                self.bytes.append(text)
            }
        } else if key.has(.integer) {
            words = KeyWords(integer: key.integer)
        } else {
            words = try self.encodedKey(key)
        }
        unsafe self.keys[self.count] = words
        unsafe self.values[self.count] = value.isScalar ? value : try self.encoded(value)
        self.count &+= 1
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
        return Value(value.tag, bits: UInt64(offset), count: self.bytes.count - offset)
    }

    /// The encoding of a pair's value that isn't a scalar.
    func encoding(of value: Value) -> Bytes {
        self.bytes.slice(Int(value.bits), Int(value.bits) + value.count)
    }

    func longKey(_ index: Int) -> Bytes {
        let offset = unsafe self.keyOffsets[index]
        return unsafe self.bytes.slice(offset, offset + self.keys[index].count)
    }

    mutating func truncate(to mark: Mark) {
        self.count = mark.count
        self.bytes.truncate(to: mark.bytes)
    }

    mutating func removeAll() {
        self.count = 0
        self.bytes.removeAll()
    }

    @inline(never)
    private mutating func grow() {
        let larger = self.capacity * 2
        unsafe self.keys = Self.moved(self.keys, count: self.count, capacity: larger)
        unsafe self.values = Self.moved(self.values, count: self.count, capacity: larger)
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

extension Value {
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
