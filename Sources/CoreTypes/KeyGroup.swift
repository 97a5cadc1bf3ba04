/// The unit in which keyed state moves: a slice of the key space, fixed for a job's life.
///
/// A key belongs to group `high bits of hash(key) × keyGroupCount`; hash tables use the low bits, so that the
/// keys of one group still spread over a whole table.
public struct KeyGroup: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: Int

    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// The group of a key with this hash among `groupCount` groups.
    @inlinable
    public init(hash: UInt64, groupCount: Int) {
        self.rawValue = Int(hash.multipliedFullWidth(by: UInt64(truncatingIfNeeded: groupCount)).high)
    }

    public static func < (left: KeyGroup, right: KeyGroup) -> Bool {
        left.rawValue < right.rawValue
    }

    /// The partition that owns this group when `groupCount` groups are dealt to `partitionCount` partitions
    /// in contiguous ranges.
    @inlinable
    public func partition(of partitionCount: Int, groupCount: Int) -> Int {
        self.rawValue * partitionCount / groupCount
    }
}

/// How many key groups a job has: fixed when it is first planned.
public enum KeyGroupCount {
    public static let standard = 128

    /// At least ``standard``, and enough that no partition stays without a group: the next power of two.
    public static func forPartitions(_ partitionCount: Int) -> Int {
        var count = Self.standard
        while count < partitionCount {
            count *= 2
        }
        return count
    }
}
