internal import WireFormat

/// Aggregates values of any type by key: one ``AggregateState`` for each key.
///
/// Memory: a slot, a state of ``AggregateState/totalsBytes`` or all its bytes, and the bytes of long keys and of text among the extremes.
@safe
struct StateAggregation: ~Copyable {
    var short = KeyTable(payloadWordCount: 1, hasAddress: false)
    var long = KeyTable(payloadWordCount: 1, hasAddress: true)
    private var store = ByteStore()
    private let keepsExtremes: Bool

    /// Extremes are kept where anybody will ask for the smallest and the largest value.
    init(keepsExtremes: Bool = true) {
        self.keepsExtremes = keepsExtremes
    }

    var keyCount: Int { self.short.count + self.long.count }
    var bytes: Int { self.short.bytes + self.long.bytes + self.store.usedBytes }
    var bytesAtNextGrowth: Int { self.bytes + 2 * max(self.short.bytes, self.long.bytes) }

    /// Takes a value; text is copied if the state keeps it.
    mutating func add(_ value: Value, to key: KeyWords, longKey: UnsafeRawPointer?) {
        unsafe self.add(value, to: self.state(of: key, longKey: longKey))
    }

    /// Takes a value into a state that ``state(of:longKey:)`` gave.
    mutating func add(_ value: Value, to address: UnsafeMutableRawPointer) {
        let state = unsafe address.assumingMemoryBound(to: AggregateState.self)
        guard self.keepsExtremes else {
            var totals = unsafe AggregateState(totalsAt: address)
            totals.add(value, keepsExtremes: false)
            return unsafe totals.storeTotals(to: address)
        }
        unsafe state.pointee.add(value)
        unsafe self.keepTexts(of: &state.pointee, from: value)
    }

    /// Takes what another subtask aggregated.
    mutating func merge(_ other: AggregateState, into key: KeyWords, longKey: UnsafeRawPointer?) {
        let address = unsafe self.state(of: key, longKey: longKey)
        var state = unsafe self.load(address)
        guard self.keepsExtremes else {
            state.merge(other)
            return unsafe state.storeTotals(to: address)
        }
        let held = (minimum: state.minimumText, maximum: state.maximumText)
        state.merge(other)
        let minimum = self.kept(state.minimumText, unless: held.minimum)
        let maximum = self.kept(state.maximumText, unless: held.maximum)
        state.moveTexts(minimum: minimum, maximum: maximum)
        unsafe address.storeBytes(of: state, as: AggregateState.self)
    }

    /// The state at an address that ``state(of:longKey:)`` gave.
    @inline(__always)
    func load(_ address: UnsafeRawPointer) -> AggregateState {
        self.keepsExtremes
            ? unsafe address.load(as: AggregateState.self) : unsafe AggregateState(totalsAt: address)
    }

    /// A copy of text that isn't held already.
    private mutating func kept(_ text: Bytes?, unless held: Bytes?) -> Bytes? {
        guard let text else { return nil }
        if let held, unsafe held.start == text.start { return nil }
        return self.kept(text)
    }

    private mutating func keepTexts(of state: inout AggregateState, from value: Value) {
        guard value.isTextual else { return }
        let start = unsafe value.text.start
        let isMinimum = state.minimumText.map { unsafe $0.start == start } ?? false
        let isMaximum = state.maximumText.map { unsafe $0.start == start } ?? false
        guard isMinimum || isMaximum else { return }
        let copy = self.kept(value.text)
        state.moveTexts(minimum: isMinimum ? copy : nil, maximum: isMaximum ? copy : nil)
    }

    private mutating func kept(_ text: Bytes) -> Bytes {
        let target = unsafe self.store.store(UnsafeRawPointer(text.start), count: text.count)
        return unsafe Bytes(start: UnsafePointer(target.assumingMemoryBound(to: UInt8.self)), count: text.count)
    }

    /// Where the state of a key lies, until all are removed.
    mutating func state(of key: KeyWords, longKey: UnsafeRawPointer?) -> UnsafeMutableRawPointer {
        let payload: UnsafeMutablePointer<UInt64>
        if let longKey = unsafe longKey {
            let words = unsafe self.long.longSlot(of: key, bytes: longKey, hash: key.hash)
            if unsafe words[2] == 0 {
                unsafe words[2] = UInt64(UInt(bitPattern: self.store.store(longKey, count: key.count)))
            }
            unsafe payload = words + 3
        } else {
            unsafe payload = self.short.payload(of: key, hash: key.hash)
        }
        if unsafe payload[0] == 0 {
            let address = unsafe self.reserveState()
            unsafe payload[0] = UInt64(UInt(bitPattern: address))
        }
        return unsafe UnsafeMutableRawPointer(bitPattern: UInt(payload[0])).unsafelyUnwrapped
    }

    /// Room for a state, which is empty.
    private mutating func reserveState() -> UnsafeMutableRawPointer {
        // Two states without extremes lie in as many lines of the cache.
        let bytes = self.keepsExtremes ? MemoryLayout<AggregateState>.size : AggregateState.totalsBytes
        let address = unsafe self.store.reserve(bytes, alignment: ByteStore.lineBytes, slack: 0)
        if self.keepsExtremes {
            unsafe address.storeBytes(of: AggregateState(), as: AggregateState.self)
        } else {
            unsafe AggregateState().storeTotals(to: address)
        }
        return unsafe address
    }

    mutating func removeAll() {
        self.short.removeAll()
        self.long.removeAll()
        self.store.removeAll()
    }
}
