/// The first records that were left out, by file and offset: the same whoever came upon them first.
///
/// Of groups whose reduce failed, which come behind all records, those are first whose key is the smallest as text.
package struct RejectedExamples: Sendable {
    /// How many are kept.
    package static let countLimit = 5

    /// In order, without the bytes of the records.
    package private(set) var records: [RejectedRecord] = []

    package init() {}

    package mutating func add(_ record: RejectedRecord) {
        let index = self.records.firstIndex { record.isBefore($0) } ?? self.records.count
        guard index < Self.countLimit else { return }
        let example = RejectedRecord(place: record.place, bytes: [], reason: record.reason, range: record.range)
        self.records.insert(example, at: index)
        if self.records.count > Self.countLimit { self.records.removeLast() }
    }
}

extension RejectedRecord {
    fileprivate func isBefore(_ other: RejectedRecord) -> Bool {
        if self.place.isGroup != other.place.isGroup { return other.place.isGroup }
        if self.place.resource != other.place.resource { return self.place.resource < other.place.resource }
        if self.place.offset != other.place.offset { return self.place.offset < other.place.offset }
        return self.reason < other.reason
    }
}

extension RecordPlace {
    private static let groupPrefix = "the values of key "

    /// The values of a key, which is cut where it is too long to show.
    init(ofKey key: String) {
        self.init(resource: Self.groupPrefix + key, offset: 0)
    }

    /// Whether this is a key's values and no record of a file.
    package var isGroup: Bool { self.resource.hasPrefix(Self.groupPrefix) }
}
