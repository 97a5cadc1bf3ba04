/// What waits while memory is being fetched for it that lies anywhere in a table which is larger than a cache.
@safe
struct WaitingEntries<Entry>: ~Copyable {
    /// Made when the first one comes.
    private var entries: UnsafeMutablePointer<Entry>?
    private(set) var count = 0

    /// As many as a processor fetches at once, and a few more.
    private static var capacity: Int { 32 }

    init() {}

    deinit {
        unsafe self.entries?.deinitialize(count: self.count)
        unsafe self.entries?.deallocate()
    }

    /// - Returns: Whether there is no room for another.
    @inline(__always)
    mutating func append(_ entry: Entry) -> Bool {
        let entries = unsafe self.entries ?? .allocate(capacity: Self.capacity)
        unsafe self.entries = unsafe entries
        unsafe (entries + self.count).initialize(to: entry)
        self.count &+= 1
        return self.count == Self.capacity
    }

    /// Calls `body` with each, in the order in which they came, and forgets them.
    @inline(__always)
    mutating func removeAll(_ body: (Entry) -> Void) {
        guard let entries = unsafe self.entries else { return }
        for index in 0..<self.count { unsafe body(entries[index]) }
        unsafe entries.deinitialize(count: self.count)
        self.count = 0
    }
}
