internal import JobPlan

/// What every key has got in one slice, or in one window: the states of ``WindowLayout``, by key.
///
/// Everything that belongs to it lies in its own memory, so that a slice whose windows are over is dropped as a whole.
@safe
struct SliceTable: ~Copyable {
    let layout: WindowLayout
    var short: KeyTable
    var long: KeyTable
    var store = ByteStore(firstChunkBytes: 4 << 10)
    let distincts: [DistinctSet]

    /// Numbers of keys given out to distinct sets.
    private var keyNumbers: UInt64 = 0

    /// - Parameters:
    ///   - layout: The states of a key.
    ///   - expectation: How many keys and values are expected, so that the table needn't grow towards them.
    ///   - isShipped: Whether states are merged into others before anybody looks at them: values may then be there twice.
    init(_ layout: WindowLayout, expectation: TableExpectation = TableExpectation(), isShipped: Bool = false) {
        self.layout = layout
        let slotCount = Self.slotCount(for: expectation.shortKeyCount)
        self.short = KeyTable(payloadWordCount: layout.wordCount, hasAddress: false, slotCount: slotCount)
        self.long = KeyTable(payloadWordCount: layout.wordCount, hasAddress: true, slotCount: Self.slotCountInitial)
        self.distincts = (0..<layout.distinctCount).map { index in
            DistinctSet(
                expecting: index < expectation.valueCounts.count ? expectation.valueCounts[index] : 0,
                keepsRepeats: isShipped && expectation.keepsRepeats(index)
            )
        }
    }

    /// Slices are many and often small.
    private static let slotCountInitial = 64

    /// Slots made for an expectation: beyond it a table grows as keys come.
    private static let slotCountExpected = 1 << 20

    /// Slots that so many keys fill to less than half.
    private static func slotCount(for keyCount: Int) -> Int {
        var count = Self.slotCountInitial
        while count <= 2 * keyCount, count < Self.slotCountExpected { count *= 2 }
        return count
    }

    var keyCount: Int { self.short.count + self.long.count }

    var bytes: Int {
        self.short.bytes + self.long.bytes + self.store.usedBytes + self.distincts.reduce(0) { $0 + $1.bytes }
    }

    /// The states of a key, all zero where it is new; valid until the next key is added.
    @inline(__always)
    mutating func states(of key: KeyWords, longKey: UnsafeRawPointer?) -> UnsafeMutablePointer<UInt64> {
        guard let longKey = unsafe longKey else { return unsafe self.short.payload(of: key, hash: key.hash) }
        return unsafe self.longStates(of: key, longKey)
    }

    private mutating func longStates(of key: KeyWords, _ longKey: UnsafeRawPointer) -> UnsafeMutablePointer<UInt64> {
        let words = unsafe self.long.longSlot(of: key, bytes: longKey, hash: key.hash)
        if unsafe words[2] == 0 {
            unsafe words[2] = UInt64(UInt(bitPattern: self.store.store(longKey, count: key.count)))
        }
        return unsafe words + 3
    }

    /// The states of a key that is there.
    func existingStates(of key: KeyWords, longKey: UnsafeRawPointer?) -> UnsafeMutablePointer<UInt64>? {
        guard let longKey = unsafe longKey else { return unsafe self.short.existingPayload(of: key) }
        return unsafe self.long.existingPayload(of: key, longKey: longKey)
    }

    /// Makes room for so many more keys, so that it needn't grow towards them.
    mutating func reserve(short: Int, long: Int) {
        if short > 0 { self.short.reserve(short) }
        if long > 0 { self.long.reserve(long) }
    }

    /// Bytes that the slots of so many keys take.
    static func bytes(forKeys count: Int, of layout: WindowLayout) -> Int {
        KeyTable.bytes(forKeys: count, payloadWordCount: layout.wordCount, slotCount: Self.slotCountInitial)
    }

    /// Calls `body` with every key; the payload is its states.
    func forEachRow<Failure: Error>(_ body: (KeyedRow) throws(Failure) -> Void) throws(Failure) {
        try Aggregation.forEachRow(short: self.short, long: self.long, body)
    }

    // MARK: Taking values

    /// Takes the value of one column of a record.
    mutating func add(
        _ value: Value,
        _ encoding: Bytes?,
        time: Int64,
        to states: UnsafeMutablePointer<UInt64>,
        column: WindowLayout.Column
    ) {
        let words = unsafe states + column.offset
        switch column.storage {
        case .counter:
            if column.aggregate.column == nil || !Self.isSkipped(value, column) { unsafe words[0] &+= 1 }
        case .number:
            guard !Self.isSkipped(value, column) else { return }
            unsafe self.addNumber(value, encoding, to: words, column)
        case .ordered(let takesLast):
            guard !Self.isSkipped(value, column) else { return }
            unsafe self.addOrdered(value, encoding, time: time, to: words, takesLast: takesLast)
        case .chain:
            guard !Self.isSkipped(value, column) else { return }
            self.withEncoding(value, encoding) { table, bytes in unsafe table.append(bytes, to: words) }
        case .distinct(let number):
            guard !Self.isSkipped(value, column) else { return }
            unsafe self.addDistinct(value, encoding, to: words, set: self.distincts[number])
        case .sketch:
            guard !Self.isSkipped(value, column) else { return }
            Self.withKey(value, encoding) { key, bytes in
                unsafe self.addToSketch(hash: ValueSketch.hash(key, bytes), words)
            }
        }
    }

    @inline(__always)
    private static func isSkipped(_ value: Value, _ column: WindowLayout.Column) -> Bool {
        column.aggregate.skipsNil && value.rawTag == Value.Tag.nil.rawValue
    }

    /// Text of a value that isn't a scalar lies in `encoding`, behind its mark.
    private static func inline(_ value: Value, _ encoding: Bytes?) -> Value {
        guard let encoding, value.has(.string) else { return value }
        return Value(.string, text: encoding.slice(1, encoding.count))
    }

    @inline(__always)
    private mutating func addNumber(
        _ value: Value,
        _ encoding: Bytes?,
        to words: UnsafeMutablePointer<UInt64>,
        _ column: WindowLayout.Column
    ) {
        if value.has(.integer), unsafe words[2] == 0, unsafe Self.addInteger(value.integer, to: words, column) {
            return
        }
        let state = unsafe self.wideState(of: words, column)
        unsafe state.pointee.add(Self.inline(value, encoding))
        unsafe self.keepTexts(of: &state.pointee)
    }

    /// - Returns: False, and nothing is done, where the sum doesn't fit.
    @inline(__always)
    private static func addInteger(
        _ value: Int64,
        to words: UnsafeMutablePointer<UInt64>,
        _ column: WindowLayout.Column
    ) -> Bool {
        let held = unsafe Int64(bitPattern: words[0])
        switch column.aggregate.function {
        case .min:
            if unsafe words[1] == 0 || value < held { unsafe words[0] = UInt64(bitPattern: value) }
        case .max:
            if unsafe words[1] == 0 || value > held { unsafe words[0] = UInt64(bitPattern: value) }
        default:
            let (sum, overflows) = held.addingReportingOverflow(value)
            if overflows { return false }
            unsafe words[0] = UInt64(bitPattern: sum)
        }
        unsafe words[1] &+= 1
        return true
    }

    /// Takes what another table or subtask aggregated, text copied.
    mutating func mergeWide(
        _ other: AggregateState,
        into words: UnsafeMutablePointer<UInt64>,
        _ column: WindowLayout.Column
    ) {
        let state = unsafe self.wideState(of: words, column)
        unsafe state.pointee.merge(other)
        unsafe self.keepTexts(of: &state.pointee)
    }

    /// The full state of a number, made of the integers so far where there was none.
    private mutating func wideState(
        of words: UnsafeMutablePointer<UInt64>,
        _ column: WindowLayout.Column
    ) -> UnsafeMutablePointer<AggregateState> {
        if let state = unsafe Self.wideState(words) { return unsafe state }
        let address = unsafe self.store.reserve(MemoryLayout<AggregateState>.size, alignment: ByteStore.lineBytes)
        unsafe address.storeBytes(of: Self.narrowState(words, column), as: AggregateState.self)
        unsafe words[2] = UInt64(UInt(bitPattern: address))
        return unsafe address.assumingMemoryBound(to: AggregateState.self)
    }

    private static func wideState(_ words: UnsafePointer<UInt64>) -> UnsafeMutablePointer<AggregateState>? {
        unsafe UnsafeMutablePointer(bitPattern: UInt(words[2]))
    }

    /// What the integers of a number state come to.
    private static func narrowState(
        _ words: UnsafePointer<UInt64>,
        _ column: WindowLayout.Column
    ) -> AggregateState {
        var state = AggregateState()
        let count = unsafe Int64(bitPattern: words[1])
        guard count > 0 else { return state }
        let held = unsafe Int64(bitPattern: words[0])
        switch column.aggregate.function {
        case .min, .max: state.add(sum: 0, count: count, minimum: held, maximum: held)
        default: state.add(sum: held, count: count, minimum: nil, maximum: nil)
        }
        return state
    }

    /// A number's state, whichever way it is held; text in it stays the table's.
    static func numberState(_ words: UnsafePointer<UInt64>, _ column: WindowLayout.Column) -> AggregateState {
        unsafe Self.wideState(words)?.pointee ?? Self.narrowState(words, column)
    }

    /// Copies text among the extremes that doesn't lie in this table.
    private mutating func keepTexts(of state: inout AggregateState) {
        let minimum = self.kept(state.minimumText)
        let maximum = self.kept(state.maximumText)
        if minimum != nil || maximum != nil { state.moveTexts(minimum: minimum, maximum: maximum) }
    }

    private mutating func kept(_ text: Bytes?) -> Bytes? {
        guard let text, unsafe !self.store.holds(UnsafeRawPointer(text.start)) else { return nil }
        let target = unsafe self.store.store(UnsafeRawPointer(text.start), count: text.count)
        return unsafe Bytes(start: UnsafePointer(target.assumingMemoryBound(to: UInt8.self)), count: text.count)
    }

    private mutating func addOrdered(
        _ value: Value,
        _ encoding: Bytes?,
        time: Int64,
        to words: UnsafeMutablePointer<UInt64>,
        takesLast: Bool
    ) {
        let held = unsafe Int64(bitPattern: words[0])
        if unsafe words[1] != 0 {
            // Of equal times the first keeps its place as the first, and the last takes it as the last.
            guard takesLast ? time >= held : time < held else { return }
        }
        self.withEncoding(value, encoding) { table, bytes in
            unsafe words[0] = UInt64(bitPattern: time)
            unsafe table.keep(bytes, in: words)
        }
    }

    /// Keeps the value of an ordered state as its length, the room for it, and its encoding: where that is enough in the
    /// room of the one before, so that memory doesn't grow with every record.
    mutating func keep(_ encoding: Bytes, in words: UnsafeMutablePointer<UInt64>) {
        var node = unsafe UnsafeMutableRawPointer(bitPattern: UInt(words[1]))
        if let held = unsafe node, unsafe held.load(fromByteOffset: 4, as: UInt32.self) < encoding.count {
            unsafe node = nil
        }
        let target = unsafe node ?? self.store.reserve(8 + encoding.count)
        if unsafe node == nil { unsafe target.storeBytes(of: UInt32(encoding.count), toByteOffset: 4, as: UInt32.self) }
        unsafe target.storeBytes(of: UInt32(encoding.count), as: UInt32.self)
        unsafe (target + 8).copyMemory(from: encoding.start, byteCount: encoding.count)
        unsafe words[1] = UInt64(UInt(bitPattern: target))
    }

    /// Adds a value behind those of a chain.
    mutating func append(_ encoding: Bytes, to words: UnsafeMutablePointer<UInt64>) {
        let node = unsafe self.store.reserve(16 + encoding.count)
        unsafe node.storeBytes(of: 0, as: UInt64.self)
        unsafe node.storeBytes(of: UInt64(encoding.count), toByteOffset: 8, as: UInt64.self)
        unsafe (node + 16).copyMemory(from: encoding.start, byteCount: encoding.count)
        let address = UInt64(UInt(bitPattern: node))
        if unsafe words[0] == 0 {
            unsafe words[0] = address
        } else {
            unsafe UnsafeMutableRawPointer(bitPattern: UInt(words[1])).unsafelyUnwrapped
                .storeBytes(of: address, as: UInt64.self)
        }
        unsafe words[1] = address
        unsafe words[2] &+= 1
    }

    private mutating func addDistinct(
        _ value: Value,
        _ encoding: Bytes?,
        to words: UnsafeMutablePointer<UInt64>,
        set: DistinctSet
    ) {
        unsafe self.numberKey(of: words)
        Self.withKey(value, encoding) { key, bytes in
            if unsafe set.insert(key, bytes, key: words[1], newest: &words[2]) { unsafe words[0] &+= 1 }
        }
    }

    mutating func numberKey(of words: UnsafeMutablePointer<UInt64>) {
        guard unsafe words[1] == 0 else { return }
        self.keyNumbers += 1
        unsafe words[1] = self.keyNumbers
    }

    mutating func addToSketch(hash: UInt64, _ words: UnsafeMutablePointer<UInt64>) {
        unsafe ValueSketch.add(hash, to: self.sketch(words))
    }

    /// The registers of a sketch, made where there were none.
    mutating func sketch(_ words: UnsafeMutablePointer<UInt64>) -> UnsafeMutablePointer<UInt8> {
        if let registers = unsafe UnsafeMutablePointer<UInt8>(bitPattern: UInt(words[0])) { return unsafe registers }
        let room = unsafe self.store.reserve(ValueSketch.registerCount, alignment: ByteStore.lineBytes)
        let registers = unsafe room.initializeMemory(as: UInt8.self, repeating: 0, count: ValueSketch.registerCount)
        unsafe words[0] = UInt64(UInt(bitPattern: room))
        return unsafe registers
    }

    /// Calls `body` with the encoding of a value.
    private mutating func withEncoding(
        _ value: Value,
        _ encoding: Bytes?,
        _ body: (inout SliceTable, Bytes) -> Void
    ) {
        if let encoding { return body(&self, encoding) }
        var buffer = ByteBuffer(capacity: 16)
        // Only scalars come without an encoding: the encoder refuses none of them.
        try? ValueCodec.encode(value, into: &buffer)
        body(&self, buffer.bytes)
    }

    /// Calls `body` with the words of a value as a key, and with its text or canonical encoding.
    private static func withKey(_ value: Value, _ encoding: Bytes?, _ body: (KeyWords, Bytes) -> Void) {
        if let encoding, value.isTextKey {
            let text = encoding.slice(1, encoding.count)
            return body(unsafe KeyWords(text.start, count: text.count, isText: true), text)
        }
        var buffer = ByteBuffer(capacity: 32)
        if let encoding {
            Self.appendKey(value, encoding, to: &buffer)
        } else {
            // Only scalars come without an encoding: the encoder refuses none of them.
            try? ValueCodec.encodeKey(value, into: &buffer)
        }
        let bytes = buffer.bytes
        body(unsafe KeyWords(bytes.start, count: bytes.count, isText: false), bytes)
    }

    /// Appends the canonical form of an encoded value: equal values have equal bytes.
    private static func appendKey(_ value: Value, _ encoding: Bytes, to buffer: inout ByteBuffer) {
        guard value.has(.list) || value.has(.map) || value.has(.set) else { return buffer.append(encoding) }
        var arena = Arena(limitBytes: 64 << 20)
        do {
            let collection = try ValueCodec.decode(encoding, in: &arena, text: .borrowed)
            try ValueCodec.encodeKey(collection, into: &buffer)
        } catch {
            // Too large to be sorted: it is equal to what has the same bytes.
            buffer.removeAll()
            buffer.append(encoding)
        }
    }
}

extension KeyTable {
    /// The payload of a short key that is there.
    func existingPayload(of key: KeyWords) -> UnsafeMutablePointer<UInt64>? {
        var index = key.hash & self.mask
        while true {
            let words = unsafe self.slot(index).assumingMemoryBound(to: UInt64.self)
            if unsafe words[0] == key.a && words[1] == key.b { return unsafe words + 2 }
            if unsafe words[1] == 0 { return nil }
            index = (index &+ 1) & self.mask
        }
    }

    /// The payload of a long key that is there.
    func existingPayload(of key: KeyWords, longKey: UnsafeRawPointer) -> UnsafeMutablePointer<UInt64>? {
        var index = key.hash & self.mask
        while true {
            let words = unsafe self.slot(index).assumingMemoryBound(to: UInt64.self)
            if unsafe words[1] == 0 { return nil }
            if unsafe words[0] == key.a && words[1] == key.b {
                let stored = unsafe UnsafeRawPointer(bitPattern: UInt(words[2])).unsafelyUnwrapped
                let mine = unsafe UnsafeRawBufferPointer(start: longKey, count: key.count)
                if unsafe mine.elementsEqual(UnsafeRawBufferPointer(start: stored, count: key.count)) {
                    return unsafe words + 3
                }
            }
            index = (index &+ 1) & self.mask
        }
    }
}
