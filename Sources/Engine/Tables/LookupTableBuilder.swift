package import ConnectorKit
internal import FluentSyntax
package import JobPlan

/// Why no table could be made.
package enum LookupTableError: Error, CustomStringConvertible {
    case unreadable(reason: String, RecordPlace)
    case withoutKey(field: String, RecordPlace)
    case tooLarge(bytesLimit: Int)

    package var description: String {
        switch self {
        case .unreadable(let reason, let place): "\(place.resource) at offset \(place.offset): \(reason)"
        case .withoutKey(let field, let place):
            "\(place.resource) at offset \(place.offset): the record has no field \(field), by which it would be found"
        case .tooLarge(let limit):
            "it takes more than \(limit >> 20) MiB; keep fewer records or fields in it, or allow it more with :memory"
        }
    }
}

/// Makes a table of the records of a source.
///
/// ## Order of calls
/// For each split, `add` with its blocks in turn and then `endSplit`, or `add` with each message; at last `finish`. Of records
/// with one key the last that was added counts. After an error it is of no use.
package struct LookupTableBuilder: ~Copyable {
    private let key: String
    private let bytesLimit: Int
    private let decode: DecodeStep
    private var decoder: RecordDecoder
    private var arena = Arena(limitBytes: 256 << 20)
    private var entries = ByteBuffer(capacity: 1 << 16)
    private var slots: [UInt64] = Array(repeating: 0, count: 1_024)
    private var used = 0

    /// Keys that have a record, and bytes of entries that another of their key has replaced.
    private var recordCount = 0
    private var deadBytes = 0
    private var keyBytes = ByteBuffer()
    private var recordBytes = ByteBuffer()

    package init(_ table: TableDefinition, bytesLimit: Int) {
        self.key = table.key
        self.bytesLimit = bytesLimit
        self.decode = DecodeStep(format: table.format)
        self.decoder = RecordDecoder(self.decode)
    }

    /// Adds the records of a block.
    package mutating func add(_ block: SourceBlock, of split: Split) throws(LookupTableError) {
        self.decoder.begin(block, of: split)
        while try self.addRecord() {}
    }

    /// The last block of a split was added.
    package mutating func endSplit() throws(LookupTableError) {
        self.decoder.endResource()
        while try self.addRecord() {}
        self.decoder = RecordDecoder(self.decode)
    }

    /// Adds the record of a message; one without a value removes the record whose key reads as that of the message.
    package mutating func add(_ message: StreamMessage, ofSplit name: String) throws(LookupTableError) {
        guard let value = unsafe message.value else {
            if let key = unsafe message.key { try unsafe self.removeRecord(key) }
            return
        }
        let place = RecordPlace(resource: name, offset: message.position)
        _ = try self.addRecord { decoder, arena in
            _ = try unsafe decoder.decode(value, at: place, in: &arena)
            return true
        }
    }

    package consuming func finish() -> LookupTable {
        LookupTable(entries: self.entries, slots: self.slots, recordCount: self.recordCount)
    }

    /// Keys of messages are bytes: they may be those of a text, or of an integer.
    private mutating func removeRecord(_ key: UnsafeRawBufferPointer) throws(LookupTableError) {
        guard let start = key.baseAddress else { return }
        self.recordBytes.removeAll()
        let text = unsafe Value(.string, text: start, count: key.count)
        let integer = Int64(unsafe String(decoding: key, as: UTF8.self)).map { Value($0) }
        for value in [text, integer] {
            guard let value else { continue }
            self.keyBytes.removeAll()
            guard (try? ValueCodec.encodeKey(value, into: &self.keyBytes)) != nil else { continue }
            guard LookupTable.find(self.keyBytes.bytes, in: self.slots, self.entries.bytes) != nil else { continue }
            try self.put()
        }
    }

    private mutating func addRecord(
        _ decode: (inout RecordDecoder, inout Arena) throws -> Bool = { decoder, arena in
            try decoder.next(in: &arena)
        }
    ) throws(LookupTableError) -> Bool {
        self.arena.reset()
        do {
            guard try decode(&self.decoder, &self.arena) else { return false }
            self.recordBytes.removeAll()
            try ValueCodec.encode(self.decoder.record, into: &self.recordBytes)
        } catch let error as FatalDecodingError {
            throw .unreadable(reason: error.reason, self.decoder.place)
        } catch {
            throw .unreadable(reason: "\(error)", self.decoder.place)
        }
        guard let key = self.keyOfRecord, !key.has(.nil) else {
            throw .withoutKey(field: self.key, self.decoder.place)
        }
        self.keyBytes.removeAll()
        do {
            try ValueCodec.encodeKey(key, into: &self.keyBytes)
        } catch {
            throw .unreadable(reason: "\(error)", self.decoder.place)
        }
        try self.put()
        return true
    }

    private var keyOfRecord: Value? {
        let record = self.decoder.record
        guard record.has(.map) else { return nil }
        for index in 0..<record.count {
            let name = record.pairs[2 * index]
            if name.isText, name.text.string == self.key { return record.pairs[2 * index + 1] }
        }
        return nil
    }

    /// Puts the record that was encoded under its key, or that there is none.
    private mutating func put() throws(LookupTableError) {
        let known = LookupTable.find(self.keyBytes.bytes, in: self.slots, self.entries.bytes)
        if let known {
            let old = LookupEntry(self.entries.bytes, at: known)
            self.deadBytes += LookupTable.headerBytes + old.key.count + old.record.count
            if old.record.count > 0 { self.recordCount -= 1 }
        }
        if self.recordBytes.count > 0 { self.recordCount += 1 }
        let position = self.entries.count
        self.entries.append(littleEndian: UInt32(self.keyBytes.count))
        self.entries.append(littleEndian: UInt32(self.recordBytes.count))
        self.entries.append(self.keyBytes.bytes)
        self.entries.append(self.recordBytes.bytes)
        if known == nil { self.used += 1 }
        if self.used * 2 > self.slots.count { self.grow() }
        Self.set(self.keyBytes.bytes, to: position, in: &self.slots, replacing: known)
        // Half of what is copied may be dead: what is copied for a byte that was added is bounded.
        if self.byteCount > self.bytesLimit, self.deadBytes > self.entries.count / 2 { self.compact() }
        guard self.byteCount <= self.bytesLimit else { throw .tooLarge(bytesLimit: self.bytesLimit) }
    }

    private var byteCount: Int { self.entries.count + self.slots.count * MemoryLayout<UInt64>.stride }

    /// Copies the entries together that count.
    private mutating func compact() {
        var entries = ByteBuffer(capacity: self.entries.count - self.deadBytes)
        var slots: [UInt64] = Array(repeating: 0, count: self.slots.count)
        self.used = 0
        for slot in self.slots where slot != 0 {
            let entry = LookupEntry(self.entries.bytes, at: Int(slot >> LookupTable.tagBits) - 1)
            guard entry.record.count > 0 else { continue }
            Self.set(entry.key, to: entries.count, in: &slots, replacing: nil)
            entries.append(littleEndian: UInt32(entry.key.count))
            entries.append(littleEndian: UInt32(entry.record.count))
            entries.append(entry.key)
            entries.append(entry.record)
            self.used += 1
        }
        self.entries = entries
        self.slots = slots
        self.deadBytes = 0
    }

    private mutating func grow() {
        var larger: [UInt64] = Array(repeating: 0, count: self.slots.count * 2)
        for slot in self.slots where slot != 0 {
            let position = Int(slot >> LookupTable.tagBits) - 1
            let key = LookupEntry(self.entries.bytes, at: position).key
            Self.set(key, to: position, in: &larger, replacing: nil)
        }
        self.slots = larger
    }

    /// Writes the position of a key's entry, in the place of another of the same key where there is one.
    private static func set(_ key: Bytes, to position: Int, in slots: inout [UInt64], replacing known: Int?) {
        let hash = ValueCodec.hash(key)
        let tag = hash >> (64 - LookupTable.tagBits)
        let old = known.map { UInt64($0 + 1) << LookupTable.tagBits | tag } ?? 0
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != old { slot = (slot + 1) & mask }
        slots[slot] = UInt64(position + 1) << LookupTable.tagBits | tag
    }
}
