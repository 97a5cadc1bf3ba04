/// The windows that keys have for themselves, with their states: any number a key, each with a time span of its own.
///
/// Segments are never moved, and go one by one; their memory comes back when most of what was ever held is gone and the rest
/// is copied together.
@safe
struct SegmentStore: ~Copyable {
    struct Segment {
        let key: KeyWords
        /// Address of the bytes of a long key.
        var longKey: UInt
        /// Milliseconds since 1970; the end is exclusive.
        var start: Int64
        var end: Int64
        /// Records in it.
        var count: Int64 = 0
        /// How often it was fired: the pane of its next firing.
        var pane: Int64 = 0
        /// How often it was fired early, and the records it got since then.
        var earlyCount: Int64 = 0
        var freshCount: Int64 = 0
        /// Whether it was fired as it is: a timer must not fire it again.
        var isFired = false
        /// Tells it from others that had its number before.
        let serial: Int64
        /// The next of the same key plus one.
        fileprivate var next: Int
        fileprivate(set) var isLive = true
    }

    let layout: WindowLayout
    private(set) var segments: [Segment] = []
    private var free: [Int] = []
    private(set) var liveCount = 0
    private var nextSerial: Int64 = 1

    /// The first segment of each key plus one.
    private var short = KeyTable(payloadWordCount: 1, hasAddress: false, slotCount: Self.slotCountInitial)
    private var long = KeyTable(payloadWordCount: 1, hasAddress: true, slotCount: Self.slotCountInitial)
    private var keys = ByteStore(firstChunkBytes: 4 << 10)

    /// States by serial.
    private(set) var states: SliceBox

    private static let slotCountInitial = 64

    init(_ layout: WindowLayout) {
        self.layout = layout
        self.states = SliceBox(layout)
    }

    var bytes: Int {
        self.segments.capacity * MemoryLayout<Segment>.stride + self.free.capacity * MemoryLayout<Int>.stride
            + self.short.bytes + self.long.bytes + self.keys.usedBytes + self.states.table.bytes
    }

    /// Bytes that it will soon take in addition, while it grows.
    var growthBytes: Int {
        var growing = max(self.states.table.growthBytes, self.short.growthBytes, self.long.growthBytes)
        if self.free.isEmpty, self.segments.count == self.segments.capacity {
            growing = max(growing, 2 * self.segments.capacity * MemoryLayout<Segment>.stride)
        }
        return growing
    }

    subscript(number: Int) -> Segment {
        get { self.segments[number] }
        set { self.segments[number] = newValue }
    }

    private mutating func head(of key: KeyWords, longKey: UnsafeRawPointer?) -> UnsafeMutablePointer<UInt64> {
        guard let longKey = unsafe longKey else { return unsafe self.short.payload(of: key, hash: key.hash) }
        let words = unsafe self.long.longSlot(of: key, bytes: longKey, hash: key.hash)
        if unsafe words[2] == 0 {
            unsafe words[2] = UInt64(UInt(bitPattern: self.keys.store(longKey, count: key.count)))
        }
        return unsafe words + 3
    }

    /// The numbers of a key's segments.
    mutating func numbers(of key: KeyWords, longKey: UnsafeRawPointer?) -> [Int] {
        var numbers: [Int] = []
        var next = unsafe Int(self.head(of: key, longKey: longKey)[0])
        while next > 0 {
            numbers.append(next - 1)
            next = self.segments[next - 1].next
        }
        return numbers
    }

    /// Adds a segment without states and returns its number.
    mutating func add(_ key: KeyWords, longKey: UnsafeRawPointer?, start: Int64, end: Int64) -> Int {
        let head = unsafe self.head(of: key, longKey: longKey)
        // The slot of a long key holds where its bytes are kept.
        let address = unsafe longKey == nil ? 0 : UInt((head - 1)[0])
        let segment = unsafe Segment(
            key: key,
            longKey: address,
            start: start,
            end: end,
            serial: self.nextSerial,
            next: Int(head[0])
        )
        self.nextSerial += 1
        self.liveCount += 1
        let number: Int
        if let reused = self.free.popLast() {
            number = reused
            self.segments[number] = segment
        } else {
            number = self.segments.count
            self.segments.append(segment)
        }
        unsafe head[0] = UInt64(number + 1)
        return number
    }

    /// Removes a segment; its states go when memory is next put in order.
    mutating func remove(_ number: Int) {
        let segment = self.segments[number]
        let head = unsafe self.head(of: segment.key, longKey: UnsafeRawPointer(bitPattern: segment.longKey))
        if unsafe Int(head[0]) == number + 1 {
            unsafe head[0] = UInt64(segment.next)
        } else {
            var position = unsafe Int(head[0]) - 1
            while self.segments[position].next != number + 1 { position = self.segments[position].next - 1 }
            self.segments[position].next = segment.next
        }
        self.segments[number].isLive = false
        self.free.append(number)
        self.liveCount -= 1
    }

    /// Where the states of a segment are, valid until the next segment gets some.
    mutating func states(of number: Int) -> UnsafeMutablePointer<UInt64> {
        unsafe self.states.table.states(of: KeyWords(integer: self.segments[number].serial), longKey: nil)
    }

    /// Takes the states of another segment into those of a first one.
    mutating func merge(_ other: Int, into number: Int) {
        // Both exist before either is looked at: making one may move the other.
        _ = unsafe self.states(of: other)
        let target = unsafe self.states(of: number)
        let source = unsafe self.states(of: other)
        let box = self.states
        unsafe box.mergeWithin(source, into: target)
    }

    /// A row with the key and the states of a segment.
    mutating func row(_ number: Int) -> KeyedRow {
        let segment = self.segments[number]
        let states = unsafe self.states(of: number)
        return unsafe KeyedRow(
            key: segment.key,
            longKey: UnsafeRawPointer(bitPattern: segment.longKey),
            payload: UnsafeRawPointer(states)
        )
    }

    /// Whether most of what is held belongs to nobody.
    var isMostlyGarbage: Bool {
        self.states.table.keyCount > 2 * self.liveCount + Self.garbageAllowed
            || self.short.count + self.long.count > 2 * self.liveCount + Self.garbageAllowed
    }

    private static let garbageAllowed = 1_024

    /// Copies what is alive together; numbers change, and `body` is told them: old, then new.
    mutating func compact(_ body: (Int, Int) -> Void) {
        var fresh = SegmentStore(self.layout)
        for number in self.segments.indices where self.segments[number].isLive {
            let segment = self.segments[number]
            let longKey = unsafe UnsafeRawPointer(bitPattern: segment.longKey)
            let new = unsafe fresh.add(segment.key, longKey: longKey, start: segment.start, end: segment.end)
            fresh.segments[new].count = segment.count
            fresh.segments[new].pane = segment.pane
            fresh.segments[new].earlyCount = segment.earlyCount
            fresh.segments[new].freshCount = segment.freshCount
            fresh.segments[new].isFired = segment.isFired
            let target = unsafe fresh.states(of: new)
            let source = unsafe self.states(of: number)
            unsafe fresh.states.table.merge(source, of: self.states.table, into: target)
            body(number, new)
        }
        self = fresh
    }
}

extension SliceBox {
    /// Merges states of this table into others of it.
    func mergeWithin(_ source: UnsafePointer<UInt64>, into target: UnsafeMutablePointer<UInt64>) {
        let copy = SliceBox(self.table.layout)
        // Values are read from one table and written to another, so that neither moves under the other's feet.
        let middle = unsafe copy.table.states(of: KeyWords(integer: 0), longKey: nil)
        unsafe copy.table.merge(source, of: self.table, into: middle)
        unsafe self.table.merge(middle, of: copy.table, into: target)
    }
}
