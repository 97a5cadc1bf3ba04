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
/// For each split, `add` with its blocks in turn and then `endSplit`; at last `finish`. Of records with one key the last
/// that was added counts. After an error it is of no use.
package struct LookupTableBuilder: ~Copyable {
    private let key: String
    private let bytesLimit: Int
    private let decode: DecodeStep
    private var decoder: RecordDecoder
    private var arena = Arena(limitBytes: 256 << 20)
    private var entries = ByteBuffer(capacity: 1 << 16)
    private var slots: [UInt64] = Array(repeating: 0, count: 1_024)
    private var used = 0
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

    package consuming func finish() -> LookupTable {
        LookupTable(entries: self.entries, slots: self.slots, recordCount: self.used)
    }

    private mutating func addRecord() throws(LookupTableError) -> Bool {
        self.arena.reset()
        do {
            guard try self.decoder.next(in: &self.arena) else { return false }
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

    private mutating func put() throws(LookupTableError) {
        let known = LookupTable.find(self.keyBytes.bytes, in: self.slots, self.entries.bytes)
        let position = self.entries.count
        self.entries.append(littleEndian: UInt32(self.keyBytes.count))
        self.entries.append(littleEndian: UInt32(self.recordBytes.count))
        self.entries.append(self.keyBytes.bytes)
        self.entries.append(self.recordBytes.bytes)
        guard self.entries.count + self.slots.count * 8 <= self.bytesLimit else {
            throw .tooLarge(bytesLimit: self.bytesLimit)
        }
        if known == nil { self.used += 1 }
        if self.used * 2 > self.slots.count { self.grow() }
        Self.set(self.keyBytes.bytes, to: position, in: &self.slots, replacing: known)
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
