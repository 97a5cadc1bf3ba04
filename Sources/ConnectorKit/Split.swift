public import CoreTypes

/// A unit of reading: a byte range of a file, later a topic partition.
public struct Split: Hashable, Sendable {
    public let id: SplitID

    /// What is read, as messages name it: a path.
    public let resource: String

    /// The first position that belongs to the split.
    public let start: Int64

    /// The first position that no longer belongs to it, or nil where the end is found by reading.
    public let end: Int64?

    /// How much work it is, for balance and progress: bytes on disk.
    public let weightBytes: Int64

    public init(id: SplitID, resource: String, start: Int64, end: Int64?, weightBytes: Int64) {
        self.id = id
        self.resource = resource
        self.start = start
        self.end = end
        self.weightBytes = weightBytes
    }
}

/// How a source must cut what it delivers.
public enum Framing: Hashable, Sendable {
    /// Blocks hold whole lines: a block ends behind a `\n` or at the end of the resource. A split owns the lines that
    /// begin in it, so that each line of a resource is delivered exactly once whatever the splits are.
    case lines(lengthLimit: Int)
    /// Blocks are cut anywhere; splits cover whole resources.
    case stream
    /// A block is a whole resource, at most `lengthLimit` bytes.
    case whole(lengthLimit: Int)
}
