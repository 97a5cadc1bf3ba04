import CoreTypes

/// Records that go along with messages, those first that went the fewest times.
struct UpdateQueue: Sendable {
    private struct Entry: Sendable {
        var record: MemberRecord
        var sentCount = 0
    }

    private let limit: Int

    /// One for each member.
    private var entries: [Entry] = []

    init(limit: Int) {
        self.limit = limit
    }

    /// A newer record takes the place of an older one, and goes out from the beginning.
    mutating func add(_ record: MemberRecord) {
        self.entries.removeAll { $0.record.id == record.id }
        guard self.entries.count < self.limit else { return }
        self.entries.insert(Entry(record: record), at: 0)
    }

    /// Up to `count` of them, each of which goes `times` times in all.
    mutating func take(_ count: Int, times: Int) -> [MemberRecord] {
        self.entries.sort { $0.sentCount < $1.sentCount }
        let taken = self.entries.prefix(count).map(\.record)
        for index in 0..<min(count, self.entries.count) { self.entries[index].sentCount += 1 }
        self.entries.removeAll { $0.sentCount >= times }
        return taken
    }
}
