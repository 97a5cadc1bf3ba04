/// Values built in an arena; nil where its limit is reached.
extension Arena {
    /// Room for so many values, which the caller fills before anything else sees them.
    @inline(__always)
    package mutating func makeElements(_ count: Int) -> Elements? {
        guard let room = unsafe self.allocate(count &* MemoryLayout<Value>.stride) else { return nil }
        return unsafe Elements(start: room.assumingMemoryBound(to: Value.self), count: count)
    }

    @inline(__always)
    package mutating func makeText(_ tag: Value.Tag, copying bytes: Bytes) -> Value? {
        guard let room = unsafe self.allocate(bytes.count) else { return nil }
        unsafe room.copyMemory(from: bytes.start, byteCount: bytes.count)
        return unsafe Value(tag, text: room, count: bytes.count)
    }

    package mutating func makeText(_ tag: Value.Tag, utf8 text: String) -> Value? {
        var text = text
        return text.withUTF8 { buffer in
            guard let start = buffer.baseAddress else { return self.makeEmptyText(tag) }
            return unsafe self.makeText(tag, copying: Bytes(start: start, count: buffer.count))
        }
    }

    private mutating func makeEmptyText(_ tag: Value.Tag) -> Value? {
        guard let room = unsafe self.allocate(0) else { return nil }
        return unsafe Value(tag, text: room, count: 0)
    }
}
