/// Where the states and timers of keys are kept that programs make.
///
/// A key has at most one state, and any number of timers at different times. Stages are generic over their store: there is
/// ``MemoryStateStore``, and ``TieredStateStore``, which goes to disk with what doesn't fit in memory.
///
/// ## Order of calls
/// ``fetch(_:)`` before anything else about a key, but for one that ``nextTimer(upTo:)`` answered; it holds until
/// ``relieve()``.
package protocol KeyedStateStore: ~Copyable {
    /// Makes ready what is kept of a key: what is asked about it then needs no disk.
    mutating func fetch(_ key: StateKey) throws(SpillError)

    /// Puts things away where more is in memory than may be.
    mutating func relieve() throws(SpillError)

    /// The state of a key: valid until the store changes.
    func state(of key: StateKey) -> StoredState?

    /// Replaces the state of a key, which may lie in the store itself.
    ///
    /// `writtenAt` is the event time that decides when it may be dropped, never earlier than that of the state before.
    mutating func setState(of key: StateKey, to value: Bytes, writtenAt: Int64)

    /// Puts a value behind the state of a key, which may be none; it lies elsewhere.
    mutating func appendState(of key: StateKey, _ value: Bytes, writtenAt: Int64)

    mutating func removeState(of key: StateKey)

    /// Sets a timer; one that is set already stays.
    mutating func addTimer(at time: Int64, of key: StateKey)

    /// The earliest timer up to a time, which stays set; its key is valid until the store changes.
    mutating func nextTimer(upTo time: Int64) throws(SpillError) -> KeyedTimer?

    /// Removes what ``nextTimer(upTo:)`` answered last; nothing was removed in between.
    mutating func removeTimer(_ timer: KeyedTimer)

    /// How many timers a key has.
    func timerCount(of key: StateKey) -> Int

    /// Drops some of the states that were written at a time or before it.
    ///
    /// - Returns: False when there is none left.
    mutating func dropSome(writtenUpTo time: Int64) throws(SpillError) -> Bool

    /// Removes the state and the timers of a key.
    mutating func removeAll(of key: StateKey)

    /// Hands everything over as it is, to be encoded as a ``ProcessSnapshot``, and notes from then on what changes.
    mutating func freeze() throws(SpillError) -> any FrozenState

    /// Hands over what has changed since anything was last handed over.
    ///
    /// - Returns: Nil where nobody noted it, or most has changed: then everything is to be handed over.
    mutating func freezeChanges() throws(SpillError) -> FrozenChanges?

    /// Checkpoints hold everything as it is: notes from now on what changes.
    mutating func noteChanges() throws(SpillError)

    /// Bytes that all of it takes in memory.
    var bytes: Int { get }

    /// Bytes that it takes on disk.
    var diskBytes: Int64 { get }

    /// What it has written to disk, whether it is still there or not.
    var spills: StateSpills { get }

    /// Keys that have a state or a timer.
    var keyCount: Int { get }
}

extension KeyedStateStore where Self: ~Copyable {
    package mutating func appendState(of key: StateKey, _ value: Bytes, writtenAt: Int64) {
        var whole = ByteBuffer()
        if let state = self.state(of: key) { whole.append(state.value) }
        whole.append(value)
        self.setState(of: key, to: whole.bytes, writtenAt: writtenAt)
    }
}

/// A key, where its bytes lie.
@safe
package struct StateKey {
    let words: KeyWords
    /// The bytes of a long key.
    let longKey: UnsafeRawPointer?

    init(_ words: KeyWords, longKey: UnsafeRawPointer?) {
        self.words = words
        unsafe self.longKey = longKey
    }

    /// The key as the language sees it; its text may point at the bytes of this key.
    func value(in arena: inout Arena) throws(ValueDecodingError) -> Value {
        // The payload of the row is never looked at.
        let payload = unsafe UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped
        return try unsafe KeyedRow(key: self.words, longKey: self.longKey, payload: payload).value(in: &arena)
    }

    /// Appends the encoding of the key as a value.
    func appendEncoding(to buffer: inout ByteBuffer) {
        if self.words.isText { buffer.append(ValueCodec.Mark.string) }
        self.appendBytes(to: &buffer)
    }

    /// Appends the bytes of the text or encoding.
    func appendBytes(to buffer: inout ByteBuffer) {
        if let longKey = unsafe self.longKey {
            let bytes = unsafe Bytes(start: longKey.assumingMemoryBound(to: UInt8.self), count: self.words.count)
            return buffer.append(bytes)
        }
        for index in 0..<self.words.count {
            let word = index < 8 ? self.words.a : self.words.b
            buffer.append(UInt8(truncatingIfNeeded: word >> UInt64(index % 8 * 8)))
        }
    }

    /// Two words, u32 length and bytes of a long key.
    func append(to buffer: inout ByteBuffer) {
        buffer.append(littleEndian: self.words.a)
        buffer.append(littleEndian: self.words.b)
        guard let longKey = unsafe self.longKey else { return buffer.append(littleEndian: UInt32(0)) }
        buffer.append(littleEndian: UInt32(self.words.count))
        buffer.append(unsafe Bytes(start: longKey.assumingMemoryBound(to: UInt8.self), count: self.words.count))
    }

    init(_ reader: inout StateReader) throws(ValueDecodingError) {
        let words = KeyWords(a: try reader.number(UInt64.self), b: try reader.number(UInt64.self))
        let bytes = try reader.bytes()
        guard words.b != 0, bytes.count == (words.isLong ? words.count : 0) else {
            throw .impossible(offset: reader.offset)
        }
        unsafe self.init(words, longKey: words.isLong ? UnsafeRawPointer(bytes.start) : nil)
    }
}

/// The state of a key, where its bytes lie.
package struct StoredState {
    let value: Bytes
    let writtenAt: Int64
}

/// Keys that have changed, to be encoded as a ``ProcessSnapshot``.
package struct FrozenChanges {
    let content: any FrozenState

    /// Of keys that changed or went, some perhaps several times.
    let keyCount: Int
}

/// A timer that is due.
package struct KeyedTimer {
    let key: StateKey
    let time: Int64
    /// What its store knows it by.
    let number: Int
}
