package import ConnectorKit

/// Where tables that reach their share of memory put sorted runs.
package protocol SpillStore: Sendable {
    func makeRun() throws(SpillError) -> any SpillRunWriter
}

/// Writes one run, block by block, from one thread.
package protocol SpillRunWriter: AnyObject {
    /// Takes a block whose meaning is the caller's: 256 KiB as a rule, more where one row is larger, never above 1 GiB.
    func append(_ block: UnsafeRawBufferPointer) throws(SpillError)

    /// Ends the run, which can then be read any number of times until it is released.
    func finish() throws(SpillError) -> any SpillRun
}

/// A finished run; its space is given back with the last reference.
package protocol SpillRun: AnyObject, Sendable {
    /// Bytes on disk.
    var storedBytes: Int64 { get }

    func makeReader() throws(SpillError) -> any SpillRunReader
}

/// Reads the blocks of a run in the order they were appended.
package protocol SpillRunReader: AnyObject {
    /// Replaces the block's content by the next block.
    ///
    /// - Returns: False behind the last.
    func next(into block: SourceBlock) throws(SpillError) -> Bool
}

/// Why a run couldn't be written or read: what was attempted, what happened, what to do.
package struct SpillError: Error, Hashable, Sendable {
    package let message: String

    package init(_ message: String) {
        self.message = message
    }
}
