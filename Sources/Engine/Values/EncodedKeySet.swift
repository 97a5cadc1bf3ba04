/// A set of encoded keys, numbered in the order in which they came: what `distinct`, `group-by` and their like use.
@safe
package struct EncodedKeySet: ~Copyable {
    private(set) var count = 0
    private var keys = ByteBuffer(capacity: 1_024)
    private var ends: [Int] = [0]
    private var hashes: [UInt64] = []
    /// Key number plus one; zero is free.
    ///
    /// The length is a power of two.
    private var slots: [UInt32] = Array(repeating: 0, count: 64)

    init() {}

    /// Bytes of all keys: what the caller holds against its memory limit.
    var byteCount: Int { self.keys.count + self.ends.count * 24 }

    func key(_ index: Int) -> Bytes {
        self.keys.slice(self.ends[index], self.ends[index + 1])
    }

    /// The number of a value's key, and whether it is new.
    mutating func insert(
        _ value: Value,
        walk: inout ValueWalk
    ) throws(ValueWalkError) -> (index: Int, isNew: Bool) {
        let start = self.keys.count
        do throws(ValueWalkError) {
            try ValueCodec.encodeKey(value, into: &self.keys, walk: &walk)
        } catch {
            self.keys.truncate(to: start)
            throw error
        }
        let hash = ValueCodec.hash(self.keys.slice(start, self.keys.count))
        if let known = self.find(hash, start: start) {
            self.keys.truncate(to: start)
            return (known, false)
        }
        return (self.add(hash), true)
    }

    private func find(_ hash: UInt64, start: Int) -> Int? {
        let candidate = self.keys.slice(start, self.keys.count)
        var slot = Int(truncatingIfNeeded: hash) & (self.slots.count - 1)
        while self.slots[slot] != 0 {
            let index = Int(self.slots[slot]) - 1
            if self.hashes[index] == hash, Bytes.areEqual(self.key(index), candidate) { return index }
            slot = (slot + 1) & (self.slots.count - 1)
        }
        return nil
    }

    private mutating func add(_ hash: UInt64) -> Int {
        let index = self.count
        self.count += 1
        self.ends.append(self.keys.count)
        self.hashes.append(hash)
        if self.count * 2 > self.slots.count {
            self.slots = Array(repeating: 0, count: self.slots.count * 2)
            for earlier in 0..<self.count { self.place(earlier) }
        } else {
            self.place(index)
        }
        return index
    }

    private mutating func place(_ index: Int) {
        var slot = Int(truncatingIfNeeded: self.hashes[index]) & (self.slots.count - 1)
        while self.slots[slot] != 0 { slot = (slot + 1) & (self.slots.count - 1) }
        self.slots[slot] = UInt32(index + 1)
    }
}
