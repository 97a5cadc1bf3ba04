/// Finds numbers by the hash of what they stand for: open addressing, from which numbers can be removed again.
@safe
struct KeyIndex: ~Copyable {
    private struct Slot: BitwiseCopyable {
        var hash: UInt64
        /// Plus one; 0: free.
        var number: UInt64
    }

    private var slots: UnsafeMutablePointer<Slot>
    private var slotCount: Int
    private(set) var count = 0

    private static let slotCountInitial = 64

    /// What one number takes at most.
    static let bytesPerNumber = MemoryLayout<Slot>.stride * 8 / 3

    /// Has room for so many numbers before it grows.
    init(room: Int = 0) {
        self.slotCount = Self.slotCountInitial
        while (room + 1) * 4 > self.slotCount * 3 { self.slotCount *= 2 }
        unsafe self.slots = Self.make(self.slotCount)
    }

    deinit { unsafe self.slots.deallocate() }

    private static func make(_ count: Int) -> UnsafeMutablePointer<Slot> {
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: count)
        unsafe slots.initialize(repeating: Slot(hash: 0, number: 0), count: count)
        return unsafe slots
    }

    var bytes: Int { self.slotCount * MemoryLayout<Slot>.stride }

    private func home(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (self.slotCount - 1) }

    private func next(_ position: Int) -> Int { (position + 1) & (self.slotCount - 1) }

    /// The number with this hash for which `isIt` answers true.
    func find(hash: UInt64, where isIt: (Int) -> Bool) -> Int? {
        var position = self.home(hash)
        while true {
            let slot = unsafe self.slots[position]
            if slot.number == 0 { return nil }
            if slot.hash == hash, isIt(Int(slot.number) - 1) { return Int(slot.number) - 1 }
            position = self.next(position)
        }
    }

    /// Whether the next number makes it grow.
    var isAboutToGrow: Bool { (self.count + 1) * 4 > self.slotCount * 3 }

    /// Adds a number that isn't there.
    mutating func insert(_ number: Int, hash: UInt64) {
        if self.isAboutToGrow { self.grow() }
        self.place(Slot(hash: hash, number: UInt64(number + 1)))
        self.count += 1
    }

    private func place(_ slot: Slot) {
        var position = self.home(slot.hash)
        while unsafe self.slots[position].number != 0 { position = self.next(position) }
        unsafe self.slots[position] = slot
    }

    private mutating func grow() {
        let old = unsafe self.slots
        let oldCount = self.slotCount
        self.slotCount *= 2
        unsafe self.slots = Self.make(self.slotCount)
        for position in 0..<oldCount where unsafe old[position].number != 0 { self.place(unsafe old[position]) }
        unsafe old.deallocate()
    }

    /// Removes a number that is there.
    ///
    /// Source: Knuth, "The Art of Computer Programming" 3, 6.4, algorithm R: those behind it move up where they may.
    mutating func remove(_ number: Int, hash: UInt64) {
        var hole = self.home(hash)
        while unsafe self.slots[hole].number != UInt64(number + 1) {
            precondition(unsafe self.slots[hole].number != 0, "only what was inserted is removed")
            hole = self.next(hole)
        }
        var position = self.next(hole)
        while unsafe self.slots[position].number != 0 {
            let home = self.home(unsafe self.slots[position].hash)
            // It may move where its home isn't between the hole and itself.
            let distance = (position - home) & (self.slotCount - 1)
            if distance >= (position - hole) & (self.slotCount - 1) {
                unsafe self.slots[hole] = self.slots[position]
                hole = position
            }
            position = self.next(position)
        }
        unsafe self.slots[hole] = Slot(hash: 0, number: 0)
        self.count -= 1
    }
}
