import CoreTypes

/// The log above the snapshot, in memory: no gaps, terms never fall.
struct RaftLog: Sendable {
    /// The entry before the first one that is held.
    private(set) var base: LogPosition
    private var entries: [LogEntry]

    /// `entries` follow `base` without a gap.
    init(base: LogPosition, entries: [LogEntry] = []) {
        self.base = base
        self.entries = entries
    }

    var last: LogPosition {
        guard let entry = self.entries.last else { return self.base }
        return entry.position
    }

    var lastIndex: LogIndex { LogIndex(rawValue: self.base.index.rawValue + UInt64(self.entries.count)) }

    /// Nil before the base and behind the end: nothing is known about it.
    func term(at index: LogIndex) -> Term? {
        if index == self.base.index { return self.base.term }
        guard index > self.base.index, index <= self.lastIndex else { return nil }
        return self.entries[self.offset(of: index)].term
    }

    func holds(_ position: LogPosition) -> Bool { self.term(at: position.index) == position.term }

    /// The entry at an index that is held.
    func entry(at index: LogIndex) -> LogEntry { self.entries[self.offset(of: index)] }

    /// Entries from `first` through `last`, as many as the limits allow, and one whatever its size.
    func entries(from first: LogIndex, through last: LogIndex, countLimit: Int, bytesLimit: Int = .max) -> [LogEntry] {
        guard first <= last, first > self.base.index, first <= self.lastIndex else { return [] }
        let start = self.offset(of: first)
        let end = start + min(countLimit, min(self.entries.count, self.offset(of: last) + 1) - start)
        guard bytesLimit < .max else { return Array(self.entries[start..<end]) }
        var byteCount = 0
        var stop = start
        while stop < end {
            byteCount += self.entries[stop].byteCount
            if byteCount > bytesLimit && stop > start { break }
            stop += 1
        }
        return Array(self.entries[start..<stop])
    }

    /// The newest position at or before `index` whose term is at most `term`: no later one can agree with a log that has
    /// `term` at `index`.
    ///
    /// - Complexity: linear in the number of entries of later terms.
    func lastPosition(before index: LogIndex, termAtMost term: Term) -> LogPosition {
        var index = min(index, self.lastIndex)
        while index > self.base.index {
            let entry = self.entries[self.offset(of: index)]
            if entry.term <= term { return entry.position }
            index = index.previous()
        }
        return self.base
    }

    mutating func append(_ entry: LogEntry) { self.entries.append(entry) }

    mutating func truncate(from index: LogIndex) {
        self.entries.removeSubrange(self.offset(of: index)...)
    }

    /// Forgets what a snapshot stands for, through an index that is held.
    mutating func discard(through index: LogIndex) {
        guard index > self.base.index, let term = self.term(at: index) else { return }
        self.entries.removeSubrange(0...self.offset(of: index))
        self.base = LogPosition(term: term, index: index)
    }

    /// Forgets everything: a snapshot through `base` is all there is.
    mutating func reset(to base: LogPosition) {
        self.entries = []
        self.base = base
    }

    private func offset(of index: LogIndex) -> Int { Int(index.rawValue - self.base.index.rawValue) - 1 }
}
