/// What is due when, on disk: times, each with the key that it belongs to.
///
/// In the table the key of an entry is its mark, and time and serial big-endian, so that the earliest comes first; the value
/// is what ``ColdKey`` makes of the key. Some entries are read ahead. What was removed is never looked for again: a table
/// would otherwise come by everything that was ever removed.
struct ColdQueue: ~Copyable {
    /// A time and the serial of the key's entry: of equal times the key that came first.
    struct Place: Comparable {
        let time: Int64
        let serial: Int64

        static func < (left: Place, right: Place) -> Bool { (left.time, left.serial) < (right.time, right.serial) }
    }

    private struct Item {
        let place: Place
        /// Where its key is in ``keys``.
        let start: Int
        let end: Int
    }

    private let mark: UInt8

    /// No entry lies before it.
    private var start = Place(time: .min, serial: 0)

    /// No entry is earlier.
    private var earliest = Int64.max

    /// The next entries, of which so many are done.
    private var ahead: [Item] = []
    private var doneCount = 0
    private var keys = ByteBuffer()
    private var buffer = ByteBuffer()

    /// Entries that are read at once.
    private static let aheadCount = 256

    init(mark: UInt8) {
        self.mark = mark
    }

    /// Whether nothing can be due.
    func isEmpty(upTo time: Int64) -> Bool { self.earliest > time }

    private func bytes(of place: Place) -> [UInt8] {
        var bytes = [self.mark]
        // The order of signed numbers as that of bytes.
        for number in [UInt64(bitPattern: place.time) ^ 1 << 63, UInt64(bitPattern: place.serial)] {
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
        return bytes
    }

    private mutating func withKey(of place: Place, _ body: (Bytes) -> Void) {
        self.buffer.removeAll()
        self.buffer.append(self.mark)
        self.buffer.append(littleEndian: (UInt64(bitPattern: place.time) ^ 1 << 63).byteSwapped)
        self.buffer.append(littleEndian: UInt64(bitPattern: place.serial).byteSwapped)
        body(self.buffer.bytes)
    }

    /// Adds an entry, when the table commits; one that is there stays.
    mutating func add(_ place: Place, of key: Bytes, to table: any ColdTable) {
        self.withKey(of: place) { table.put($0, key) }
        if place < self.start { self.start = place }
        self.earliest = min(self.earliest, place.time)
        // It belongs among those that were read.
        if let last = self.ahead.last, place <= last.place { self.forgetAhead() }
    }

    private mutating func forgetAhead() {
        self.ahead.removeAll(keepingCapacity: true)
        self.doneCount = 0
    }

    /// The earliest entry up to a time; commits what the table has gathered where it reads.
    mutating func first(upTo time: Int64, of table: any ColdTable) throws(SpillError) -> Place? {
        if self.doneCount == self.ahead.count, self.earliest <= time { try self.readAhead(of: table) }
        guard self.doneCount < self.ahead.count else { return nil }
        let place = self.ahead[self.doneCount].place
        return place.time <= time ? place : nil
    }

    private mutating func readAhead(of table: any ColdTable) throws(SpillError) {
        try table.commit()
        self.forgetAhead()
        self.keys.removeAll(capacityLimit: 1 << 20)
        let cursor = try table.makeCursor(ColdRange(first: self.bytes(of: self.start), end: [self.mark + 1]))
        while !cursor.isAtEnd, self.ahead.count < Self.aheadCount {
            let start = self.keys.count
            self.keys.append(cursor.value)
            let place = try Self.place(cursor.key)
            self.ahead.append(Item(place: place, start: start, end: self.keys.count))
            try cursor.advance()
        }
        self.earliest = self.ahead.first?.place.time ?? .max
    }

    private static func place(_ key: Bytes) throws(SpillError) -> Place {
        guard key.count == 17 else { throw .unreadableState("an entry has \(key.count) bytes") }
        let time = key.littleEndian(UInt64.self, at: 1).byteSwapped ^ 1 << 63
        let serial = key.littleEndian(UInt64.self, at: 9).byteSwapped
        return Place(time: Int64(bitPattern: time), serial: Int64(bitPattern: serial))
    }

    /// What was added as the key of the entry that ``first(upTo:of:)`` answered: good until it is called again.
    var firstKey: Bytes { self.keys.slice(self.ahead[self.doneCount].start, self.ahead[self.doneCount].end) }

    /// Removes that entry.
    mutating func removeFirst(from table: any ColdTable) {
        let place = self.ahead[self.doneCount].place
        self.withKey(of: place) { table.remove($0) }
        self.doneCount += 1
        self.start = Place(time: place.time, serial: place.serial &+ 1)
        self.earliest = self.doneCount < self.ahead.count ? self.ahead[self.doneCount].place.time : place.time
    }
}
