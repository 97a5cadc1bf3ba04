internal import JobPlan

/// Records by a key, to be looked up: built once, then read by all subtasks of a process.
///
/// An entry is the length of its key and of its record, 4 bytes each, then the two as ``ValueCodec`` has them; without a record
/// it says that the key was removed. A slot is the
/// position of an entry, plus one, above sixteen bits of its key's hash; 0 is a free one.
// SAFETY: nothing changes after `init`.
@safe
package final class LookupTable: @unchecked Sendable {
    private let entries: ByteBuffer
    private let slots: [UInt64]
    package let recordCount: Int

    static let headerBytes = 8
    static let tagBits: UInt64 = 16

    init(entries: consuming ByteBuffer, slots: [UInt64], recordCount: Int) {
        self.entries = entries
        self.slots = slots
        self.recordCount = recordCount
    }

    package var byteCount: Int { self.entries.count + self.slots.count * MemoryLayout<UInt64>.stride }

    /// The encoded record of a key as ``ValueCodec/encodeKey(_:into:)`` has it; valid as long as the table.
    func record(of key: Bytes) -> Bytes? {
        guard let position = Self.find(key, in: self.slots, self.entries.bytes) else { return nil }
        let record = LookupEntry(self.entries.bytes, at: position).record
        return record.count == 0 ? nil : record
    }

    /// The position of a key's entry.
    static func find(_ key: Bytes, in slots: [UInt64], _ entries: Bytes) -> Int? {
        guard !slots.isEmpty else { return nil }
        let hash = ValueCodec.hash(key)
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            if slots[slot] & (1 << Self.tagBits - 1) == hash >> (64 - Self.tagBits) {
                let position = Int(slots[slot] >> Self.tagBits) - 1
                if Bytes.areEqual(LookupEntry(entries, at: position).key, key) { return position }
            }
            slot = (slot + 1) & mask
        }
        return nil
    }
}

/// An entry as it lies in memory.
struct LookupEntry {
    let key: Bytes
    let record: Bytes

    init(_ entries: Bytes, at position: Int) {
        let start = unsafe UnsafeRawPointer(entries.start + position)
        let keyCount = Int(unsafe start.loadUnaligned(as: UInt32.self).littleEndian)
        let recordCount = Int(unsafe (start + 4).loadUnaligned(as: UInt32.self).littleEndian)
        let keyStart = position + LookupTable.headerBytes
        self.key = entries.slice(keyStart, keyStart + keyCount)
        self.record = entries.slice(keyStart + keyCount, keyStart + keyCount + recordCount)
    }
}
