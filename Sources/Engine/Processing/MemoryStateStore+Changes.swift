/// What has changed in a ``MemoryStateStore`` since it was last handed over.
///
/// Isolation: that of the store that owns it.
final class NotedChanges {
    /// Entries, each once; some aren't live any more.
    fileprivate var numbers: [Int] = []

    /// Keys that went, which a checkpoint may hold; some have come back.
    fileprivate var removed = ByteBuffer()
    fileprivate var removedCount = 0

    fileprivate var keyCount: Int { self.numbers.count + self.removedCount }

    var bytes: Int { self.numbers.capacity * MemoryLayout<Int>.stride + self.removed.count }

    /// Bytes of removed keys that may be kept whatever else there is.
    fileprivate static let removedBytesAllowed = 1 << 20
}

extension MemoryStateStore {
    /// An entry is about to change, or is new.
    mutating func note(_ number: Int) {
        guard self.changes != nil, !self.entries[number].isNoted else { return }
        self.entries[number].isNoted = true
        self.changes?.numbers.append(number)
    }

    /// The key of an entry is about to go.
    mutating func noteRemoved(_ number: Int) {
        guard self.changes != nil else { return }
        let key = self.key(number)
        self.changes?.noteRemoved(key)
        // More than all states: what went isn't worth keeping.
        let limit = NotedChanges.removedBytesAllowed + self.heldBytes / 2
        if let bytes = self.changes?.bytes, bytes > limit { self.forgetChanges() }
    }

    private mutating func forgetChanges() {
        for number in self.changes?.numbers ?? [] { self.entries[number].isNoted = false }
        self.changes = nil
    }

    package mutating func noteChanges() {
        self.forgetChanges()
        for number in self.entries.indices { self.entries[number].isHeld = true }
        self.changes = NotedChanges()
    }

    package mutating func freeze() -> any FrozenState {
        var chunks: [[UInt8]] = []
        var writer = ProcessSnapshotWriter(.everything)
        for number in self.entries.indices where self.entries[number].isLive {
            writer.append(self.key(number), self.state(number), self.times(number)) { chunks.append($0) }
        }
        writer.end { chunks.append($0) }
        self.noteChanges()
        return EncodedState(chunks)
    }

    package mutating func freezeChanges() -> FrozenChanges? {
        guard let changes = self.changes, changes.keyCount <= self.keyCount / 2 else { return nil }
        var chunks: [[UInt8]] = []
        var writer = ProcessSnapshotWriter(.changes)
        changes.forEachRemoved { key in writer.appendRemoval(of: key) { chunks.append($0) } }
        for number in changes.numbers {
            self.entries[number].isNoted = false
            guard self.entries[number].isLive else { continue }
            self.entries[number].isHeld = true
            writer.append(self.key(number), self.state(number), self.times(number)) { chunks.append($0) }
        }
        writer.end { chunks.append($0) }
        self.changes = NotedChanges()
        return FrozenChanges(content: EncodedState(chunks), keyCount: changes.keyCount)
    }
}

extension NotedChanges {
    fileprivate func noteRemoved(_ key: StateKey) {
        key.append(to: &self.removed)
        self.removedCount += 1
    }

    fileprivate func forEachRemoved(_ body: (StateKey) -> Void) {
        var reader = StateReader(self.removed.bytes)
        for _ in 0..<self.removedCount {
            guard let key = try? StateKey(&reader) else { preconditionFailure("a key was noted that can't be read") }
            body(key)
        }
    }
}
