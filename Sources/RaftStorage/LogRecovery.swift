import CoreTypes
import RaftCore

/// How far the log was durable when somebody last noted it.
struct KnownEnd: Hashable {
    /// All records with smaller numbers were durable.
    var nextRecord: UInt64 = 1

    /// Where the log ended with them.
    var position = LogPosition.zero
}

/// Puts the log together again from the bytes of its segments, and tells a torn tail from damage.
///
/// A batch begins at a ``blockBytes`` boundary, and only when the batch before it is durable. So what can't be read is torn,
/// and was never acknowledged, unless something of a later batch is there: then it was durable once, and is damaged. Of a
/// batch that nothing follows only the ``KnownEnd`` tells, which is written when there is time: without it, it counts as torn.
///
/// A segment whose first record goes on where the one before it becomes unreadable was begun by a process that had found
/// that out, and had noted what was missing if anything was.
///
/// Source: Alagappan et al., "Protocol-Aware Recovery for Consensus-Based Storage", FAST 2018 (telling crashes from
/// corruption).
struct LogRecovery {
    /// What disks and page caches write at once; a multiple of what a disk may tear.
    static let blockBytes = 4_096

    /// What was found before anything was missing.
    private(set) var entries: [LogEntry] = []

    /// The place of the record that comes next, in a batch that wasn't begun yet.
    private(set) var next = LogRecord.Place()

    /// Where the log ended, if part of it is damaged; the entries end before that part.
    private(set) var damagedEnd: LogPosition?

    /// How many of the segments hold what was found.
    private(set) var usedCount = 0

    /// The segments that were given, with their largest indexes.
    private(set) var segments: [LogSegment]

    /// Of the last reset.
    private var base = LogPosition.zero

    /// Where the log ends, as far as it was found.
    var lastPosition: LogPosition { self.entries.last?.position ?? self.base }

    /// The last position of all that can be read, however much is missing before it, and its record's number.
    private var newest = LogPosition.zero
    private var newestNumber: UInt64 = 0

    /// - Parameters:
    ///   - segments: In the order of their numbers, without gaps.
    ///   - contents: What is in each.
    ///   - known: How far everything was durable at some time.
    init(_ segments: [LogSegment], contents: [[UInt8]], known: KnownEnd) {
        self.segments = segments
        guard let first = segments.first else {
            if known.nextRecord > 1 { self.damagedEnd = known.position }
            return
        }
        self.next = LogRecord.Place(batch: first.firstBatch, number: first.firstRecord)
        if let found = contents.first.flatMap({ LogRecord.read($0, at: 0) }) {
            self.next.formerChecksum = found.record.place.formerChecksum
        }
        var isDamaged = false
        for index in segments.indices {
            if isDamaged {
                self.noteReadable(Self.batches(in: contents[index], from: 0))
                continue
            }
            self.usedCount = index + 1
            let following = index + 1 < segments.count ? segments[index + 1] : nil
            isDamaged = !self.read(contents[index], index, before: following)
        }
        if self.next.number < known.nextRecord {
            isDamaged = true
            if known.nextRecord > self.newestNumber { self.newest = known.position }
        }
        if isDamaged { self.damagedEnd = max(self.newest, self.lastPosition) }
    }

    /// - Returns: False where something is missing that was durable.
    private mutating func read(_ bytes: [UInt8], _ index: Int, before following: LogSegment?) -> Bool {
        var offset = 0
        var openBatch: UInt64?
        while let found = self.record(bytes, at: offset, in: openBatch) {
            guard self.take(found, index) else { break }
            offset = found.end
            openBatch = found.record.isLastOfBatch ? nil : found.record.place.batch
            self.next.batch = found.record.place.batch + 1
        }
        // The batch that can't be read, if there is one.
        let unreadable = openBatch ?? self.next.batch
        self.next.batch = unreadable + 1
        let rest = Self.batches(in: bytes, from: offset)
        guard let following else {
            let isLater = rest.contains { $0.record.place.batch > unreadable }
            if isLater { self.noteReadable(rest) }
            return !isLater
        }
        if following.firstRecord == self.next.number {
            self.next.batch = following.firstBatch
            return true
        }
        self.noteReadable(rest)
        return false
    }

    /// The next record: of the open batch, or the first of the next one, at the next block.
    private func record(_ bytes: [UInt8], at offset: Int, in openBatch: UInt64?) -> LogRecord.Found? {
        let start = openBatch == nil ? Self.blockStart(from: offset) : offset
        guard let found = LogRecord.read(bytes, at: start) else { return nil }
        let place = found.record.place
        let isExpected =
            place.batch == openBatch ?? self.next.batch && place.number == self.next.number
            && place.formerChecksum == self.next.formerChecksum
        return isExpected ? found : nil
    }

    static func blockStart(from offset: Int) -> Int {
        (offset + Self.blockBytes - 1) / Self.blockBytes * Self.blockBytes
    }

    /// - Returns: False for an entry that can't follow those before it.
    private mutating func take(_ found: LogRecord.Found, _ segment: Int) -> Bool {
        switch found.record.content {
        case .entry(let entry):
            if let last = self.entries.last {
                guard entry.index <= last.index.next() else { return false }
                let kept = self.entries[0].index.distance(to: entry.index)
                self.entries.removeSubrange(max(0, kept)...)
            }
            self.entries.append(entry)
            self.segments[segment].lastIndex = max(self.segments[segment].lastIndex, entry.index)
        case .reset(let position):
            self.entries = []
            self.base = position
            for index in self.segments.indices { self.segments[index].lastIndex = .zero }
        }
        self.next.number = found.record.place.number + 1
        self.next.formerChecksum = found.checksum
        return true
    }

    // MARK: Behind what can't be read

    /// Records that are whole and begin a block, and those of their batches that follow them, from a place on.
    private static func batches(in bytes: [UInt8], from offset: Int) -> [LogRecord.Found] {
        var found: [LogRecord.Found] = []
        var start = Self.blockStart(from: offset)
        while start < bytes.count {
            var position = start
            while let record = LogRecord.read(bytes, at: position) {
                found.append(record)
                position = record.end
            }
            start = Self.blockStart(from: max(position, start + 1))
        }
        return found
    }

    private mutating func noteReadable(_ records: [LogRecord.Found]) {
        for found in records where found.record.place.number > self.newestNumber {
            self.newestNumber = found.record.place.number
            switch found.record.content {
            case .entry(let entry): self.newest = entry.position
            case .reset(let position): self.newest = position
            }
        }
    }
}
