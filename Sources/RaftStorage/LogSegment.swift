import CoreTypes

/// What a segment's name says: its number, and those of its first batch and record.
struct LogSegment: Hashable, Comparable {
    var number: UInt64
    var firstBatch: UInt64
    var firstRecord: UInt64

    /// The largest index in it, as far as is known.
    var lastIndex = LogIndex.zero

    private static let prefix = "log"

    var name: String {
        ([Self.prefix] + [self.number, self.firstBatch, self.firstRecord].map(Self.text)).joined(separator: "-")
    }

    init(number: UInt64, firstBatch: UInt64, firstRecord: UInt64) {
        self.number = number
        self.firstBatch = firstBatch
        self.firstRecord = firstRecord
    }

    /// Nil where a file isn't a segment.
    init?(name: String) {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = parts.dropFirst().compactMap { UInt64($0, radix: 16) }
        guard parts.count == 4, parts[0] == Self.prefix, numbers.count == 3 else { return nil }
        self.init(number: numbers[0], firstBatch: numbers[1], firstRecord: numbers[2])
        guard self.name == name else { return nil }
    }

    private static func text(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    static func < (left: LogSegment, right: LogSegment) -> Bool { left.number < right.number }

    /// The newest segments without a gap: what lies before one was discarded, and came back behind a crash.
    static func newest(of segments: [LogSegment]) -> [LogSegment] {
        var newest: [LogSegment] = []
        for segment in segments.sorted() {
            if let last = newest.last, last.number + 1 != segment.number { newest = [] }
            newest.append(segment)
        }
        return newest
    }
}
