internal import CKernels

/// The keys of the last record, in their order, as they were written: records of one source mostly repeat them.
///
/// A token is everything from the end of the value before (or the beginning of the record) up to the value: comma, key,
/// colon and white space. It was found to be that once, so equal bytes are it again.
@safe
struct RecordShape: ~Copyable {
    /// Longer tokens aren't remembered.
    static let tokenLimit = 32

    /// Fields behind these aren't remembered.
    static let fieldLimit = 64

    private struct Token {
        /// A bit for each byte of the token; all bits where nothing is remembered, with a length of 0.
        var mask: UInt32 = 0
        var count: Int32 = 0
        var slot: Int32 = 0
        /// Where its first quote lies in it.
        var quote: Int32 = 0
    }

    /// Fields of the last record; 0 where not all their tokens are remembered.
    private(set) var fieldCount = 0

    private let texts: UnsafeMutablePointer<UInt8>
    private let tokens: UnsafeMutablePointer<Token>

    init() {
        unsafe self.texts = .allocate(capacity: Self.fieldLimit * Self.tokenLimit)
        unsafe self.texts.initialize(repeating: 0, count: Self.fieldLimit * Self.tokenLimit)
        unsafe self.tokens = .allocate(capacity: Self.fieldLimit)
        unsafe self.tokens.initialize(repeating: Token(), count: Self.fieldLimit)
    }

    deinit {
        unsafe self.texts.deallocate()
        unsafe self.tokens.deallocate()
    }

    /// How many bytes the token of the record's field `index` has, if it is what lies at `offset`; otherwise 0.
    @inline(__always)
    func match(_ index: Int, _ text: Bytes, at offset: Int) -> Int {
        guard index < Self.fieldLimit else { return 0 }
        let token = unsafe self.tokens[index]
        let equal = unsafe weir_equal_mask(text.start + offset, self.texts + index &* Self.tokenLimit)
        return equal & token.mask == token.mask ? Int(token.count) : 0
    }

    /// Whether the token of the record's field `index` lies at `offset`, which is in the text.
    @inline(__always)
    func isToken(_ index: Int, _ text: Bytes, at offset: Int) -> Bool {
        let mask = unsafe self.tokens[index].mask
        return unsafe weir_equal_mask(text.start + offset, self.texts + index &* Self.tokenLimit) & mask == mask
    }

    /// How many bytes the token of a field has.
    @inline(__always)
    func tokenCount(_ index: Int) -> Int { Int(unsafe self.tokens[index].count) }

    /// Where the first quote lies in the token of a field.
    @inline(__always)
    func quote(_ index: Int) -> Int { Int(unsafe self.tokens[index].quote) }

    /// A record had so many fields, whose tokens are those that are remembered.
    mutating func end(fieldCount: Int) {
        self.fieldCount = 0
        guard fieldCount <= Self.fieldLimit else { return }
        for index in 0..<fieldCount where unsafe self.tokens[index].count == 0 { return }
        self.fieldCount = fieldCount
    }

    /// What the extractor asked to remember with the token.
    @inline(__always)
    func slot(_ index: Int) -> Int { Int(unsafe self.tokens[index].slot) }

    /// Remembers the token of the record's field `index`, in which the first quote lies at `quote`.
    mutating func remember(_ index: Int, _ token: Bytes, quote: Int, slot: Int) {
        guard index < Self.fieldLimit else { return }
        guard token.count <= Self.tokenLimit else {
            unsafe self.tokens[index] = Token()
            self.fieldCount = 0
            return
        }
        let room = unsafe self.texts + index &* Self.tokenLimit
        unsafe room.update(from: token.start, count: token.count)
        let mask = UInt32.max >> UInt32(Self.tokenLimit - token.count)
        unsafe self.tokens[index] = Token(
            mask: mask,
            count: Int32(token.count),
            slot: Int32(slot),
            quote: Int32(quote)
        )
    }
}
