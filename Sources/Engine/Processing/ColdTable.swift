/// Where keyed stages put the states and timers that don't fit in their memory.
package protocol ColdTier: Sendable {
    /// Makes an empty table on disk, which goes away with the last that refers to it, and with the process.
    ///
    /// `memoryBytes`: What it takes of memory at most, for what it hasn't written yet and what it has read, and a little more.
    func makeTable(memoryBytes: Int) throws(SpillError) -> any ColdTable
}

/// Values by key on disk, in the order of the bytes of keys.
///
/// Isolation: one thread at a time, but for what ``makeSnapshot()`` answers.
package protocol ColdTable: AnyObject, Sendable {
    /// Appends the value of a key; what wasn't committed yet doesn't count.
    ///
    /// - Returns: False where there is none.
    func read(_ key: Bytes, into value: inout ByteBuffer) throws(SpillError) -> Bool

    /// Replaces the value of a key when all that is gathered is committed.
    func put(_ key: Bytes, _ value: Bytes)

    /// Removes a key, which may be none, when all that is gathered is committed.
    func remove(_ key: Bytes)

    /// Writes what was gathered, all of it or nothing.
    func commit() throws(SpillError)

    /// Bytes that are gathered.
    var gatheredBytes: Int { get }

    /// Begins to read at a key, up to another and without it.
    func makeCursor(_ range: ColdRange) throws(SpillError) -> any ColdCursor

    /// What is committed now, whatever happens to the table; any thread may read it.
    func makeSnapshot() throws(SpillError) -> any ColdSnapshot

    /// Bytes that it takes in memory and on disk.
    var figures: (memoryBytes: Int, storedBytes: Int64) { get }
}

/// Keys from one up to another and without it.
package struct ColdRange {
    package var first: [UInt8]
    package var end: [UInt8]

    package init(first: [UInt8], end: [UInt8]) {
        self.first = first
        self.end = end
    }
}

/// A table as it was once.
package protocol ColdSnapshot: AnyObject, Sendable {
    /// Begins to read at a key, up to another and without it; meant for reading much.
    func makeCursor(_ range: ColdRange) throws(SpillError) -> any ColdCursor
}

/// Reads keys in their order.
///
/// Isolation: one thread, which doesn't change the table meanwhile if it isn't a snapshot that is read.
package protocol ColdCursor: AnyObject {
    var isAtEnd: Bool { get }

    /// The key where it is, and its value: good until it moves on.
    var key: Bytes { get }
    var value: Bytes { get }

    func advance() throws(SpillError)
}
