package import ConnectorKit

/// Where operators put what doesn't fit in their memory: runs of byte blocks, written once and read in order.
///
/// Blocks are opaque; each comes back as it was written. All calls may block on a local disk.
package protocol SpillStore: Sendable {
    /// Begins a run. Any number of runs may be written at once, each by one thread.
    func makeRun() throws(SpillError) -> any SpillRunWriter
}

/// Writes one run.
///
/// ## Order of calls
/// `append` as often as needed, then `finish` once. A writer that goes away before gives its space back.
package protocol SpillRunWriter: AnyObject {
    /// Stores a block of 1 to ``SpillLimits/blockBytes`` bytes, which may be reused when the call returns.
    ///
    /// - Throws: The run is lost: let go of the writer.
    func append(_ block: UnsafeRawBufferPointer) throws(SpillError)

    /// Ends the run.
    func finish() throws(SpillError) -> any SpillRun
}

extension SpillRunWriter {
    /// Stores any number of bytes as blocks that are as large as allowed.
    func append(pieces start: UnsafeRawPointer, count: Int) throws(SpillError) {
        var offset = 0
        while offset < count {
            let size = min(count - offset, SpillLimits.blockBytes)
            unsafe try self.append(UnsafeRawBufferPointer(start: start + offset, count: size))
            offset += size
        }
    }
}

/// A finished run; its space is given back when nothing refers to it any longer.
package protocol SpillRun: AnyObject, Sendable {
    /// Bytes it takes on disk.
    var storedBytes: Int64 { get }

    /// Opens the run from its start; several readers may be open at once.
    func makeReader() throws(SpillError) -> any SpillRunReader
}

/// Reads one run from front to back, on one thread at a time; keeps the run alive.
package protocol SpillRunReader: AnyObject {
    /// Replaces the content of `block`, which grows where needed, by the run's next block.
    ///
    /// - Returns: False where the run is at its end; the block is then empty.
    func next(into block: SourceBlock) throws(SpillError) -> Bool
}

/// What spill stores must accept.
package enum SpillLimits {
    /// The most bytes that a block has: 1 MiB.
    package static let blockBytes = 1 << 20
}

/// Why something couldn't be spilled or read back.
package struct SpillError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        /// The disk or the quota on it is full.
        case noSpace
        /// What was read isn't what was written.
        case corrupt
        /// The disk refused, or memory is exhausted.
        case failed
    }

    package let reason: Reason

    /// What was attempted, what happened and what to do, for people.
    package let message: String

    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    package var description: String { self.message }
}
