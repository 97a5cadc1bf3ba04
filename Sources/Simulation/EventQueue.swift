/// What is going to happen, in the order of virtual time; what happens at the same time, in the order it was planned.
///
/// Times are microseconds since the beginning of the simulation.
package struct EventQueue<Event> {
    private struct Key {
        let time: Int64
        let sequence: UInt64
        let slot: Int

        func isBefore(_ other: Key) -> Bool {
            self.time == other.time ? self.sequence < other.sequence : self.time < other.time
        }
    }

    /// A binary heap of small keys: the events themselves stay where they are.
    private var heap: [Key] = []
    private var slots: [Event?] = []
    private var freeSlots: [Int] = []
    private var sequence: UInt64 = 0

    /// The time of the event that was taken last.
    package private(set) var now: Int64 = 0

    package init() {}

    package var isEmpty: Bool { self.heap.isEmpty }
    package var nextTime: Int64? { self.heap.first?.time }

    /// Plans an event; one of the past happens now.
    package mutating func schedule(_ event: Event, at time: Int64) {
        let slot: Int
        if let free = self.freeSlots.popLast() {
            slot = free
            self.slots[slot] = event
        } else {
            slot = self.slots.count
            self.slots.append(event)
        }
        self.sequence += 1
        self.heap.append(Key(time: max(time, self.now), sequence: self.sequence, slot: slot))
        self.siftUp(self.heap.count - 1)
    }

    /// Takes the next event and moves the clock to it.
    package mutating func next() -> Event? {
        guard let first = self.heap.first else { return nil }
        let last = self.heap.removeLast()
        if !self.heap.isEmpty {
            self.heap[0] = last
            self.siftDown(0)
        }
        self.now = first.time
        let event = self.slots[first.slot]
        self.slots[first.slot] = nil
        self.freeSlots.append(first.slot)
        return event
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        let key = self.heap[child]
        while child > 0 {
            let parent = (child - 1) / 2
            guard key.isBefore(self.heap[parent]) else { break }
            self.heap[child] = self.heap[parent]
            child = parent
        }
        self.heap[child] = key
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        let key = self.heap[parent]
        while true {
            var child = 2 * parent + 1
            guard child < self.heap.count else { break }
            if child + 1 < self.heap.count, self.heap[child + 1].isBefore(self.heap[child]) { child += 1 }
            guard self.heap[child].isBefore(key) else { break }
            self.heap[parent] = self.heap[child]
            parent = child
        }
        self.heap[parent] = key
    }
}
