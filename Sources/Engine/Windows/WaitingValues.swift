/// Values of keys that enter or leave a window with their slice, while their entries are being fetched: each lies anywhere
/// in a table that is larger than a cache.
@safe
struct WaitingValues: ~Copyable {
    @safe
    private struct Entry {
        let value: KeyWords
        let set: Int
        let words: UnsafeMutablePointer<UInt64>
    }

    private let entries: UnsafeMutablePointer<Entry>
    private var count = 0
    private(set) var start: Int64 = 0
    private(set) var isEntering = true

    /// As many as a processor fetches at once, and a few more.
    private static let capacity = 32

    init() {
        unsafe self.entries = .allocate(capacity: Self.capacity)
    }

    deinit {
        unsafe self.entries.deallocate()
    }

    mutating func begin(_ start: Int64, isEntering: Bool) {
        precondition(self.count == 0, "the values of the slice before were taken")
        self.start = start
        self.isEntering = isEntering
    }

    /// - Returns: Whether there is no room for another.
    @inline(__always)
    mutating func append(_ value: KeyWords, set: Int, _ words: UnsafeMutablePointer<UInt64>) -> Bool {
        unsafe (self.entries + self.count).initialize(to: Entry(value: value, set: set, words: words))
        self.count &+= 1
        return self.count == Self.capacity
    }

    @inline(__always)
    mutating func removeAll(_ body: (KeyWords, Int, UnsafeMutablePointer<UInt64>) -> Void) {
        for index in 0..<self.count {
            let entry = unsafe self.entries[index]
            unsafe body(entry.value, entry.set, entry.words)
        }
        self.count = 0
    }
}
