/// Records that a stage hands on, with their event times, in one run of bytes.
///
/// One subtask owns them and uses them again.
package final class EmittedRecords {
    private struct Entry {
        /// Where it begins: the bytes of its key, if they are wanted, then its own.
        let start: Int
        let keyCount: Int
        let count: Int
        let time: Int64
    }

    private var buffer = ByteBuffer(capacity: 64 << 10)
    private var entries: [Entry] = []

    package var count: Int { self.entries.count }

    /// Bytes of all of them.
    package var byteCount: Int { self.buffer.count }

    /// Memory that is kept from one time to the next.
    private static let keptBytes = 4 << 20

    func time(_ index: Int) -> Int64 { self.entries[index].time }

    /// The encoding of the key that it was made for; nil where nobody wants it.
    func key(_ index: Int) -> Bytes? {
        let entry = self.entries[index]
        return entry.keyCount == 0 ? nil : self.buffer.slice(entry.start, entry.start + entry.keyCount)
    }

    /// The encoding of the record: valid until something is added.
    func record(_ index: Int) -> Bytes {
        let entry = self.entries[index]
        let start = entry.start + entry.keyCount
        return self.buffer.slice(start, start + entry.count)
    }

    func append(_ record: Bytes, time: Int64, key: Bytes?) {
        let start = self.buffer.count
        if let key { self.buffer.append(key) }
        self.buffer.append(record)
        self.entries.append(Entry(start: start, keyCount: key?.count ?? 0, count: record.count, time: time))
    }

    func append(_ record: Value, time: Int64, key: Bytes?) throws(ValueWalkError) {
        let start = self.buffer.count
        if let key { self.buffer.append(key) }
        do {
            try ValueCodec.encode(record, into: &self.buffer)
        } catch {
            self.buffer.truncate(to: start)
            throw error
        }
        let keyCount = key?.count ?? 0
        let count = self.buffer.count - start - keyCount
        self.entries.append(Entry(start: start, keyCount: keyCount, count: count, time: time))
    }

    /// Takes back all but the first so many.
    func truncate(to count: Int) {
        guard count < self.entries.count else { return }
        self.buffer.truncate(to: self.entries[count].start)
        self.entries.removeLast(self.entries.count - count)
    }

    package func removeAll() {
        self.buffer.removeAll(capacityLimit: Self.keptBytes)
        self.entries.removeAll(keepingCapacity: true)
    }
}
