/// Where a stream is in one split of its source: what a checkpoint keeps of it.
package struct SplitProgress: Hashable, Sendable {
    /// What the split is called as long as it exists.
    package let name: String

    /// The position of the next record to read.
    package let position: Int64

    /// The largest event time seen in it, in milliseconds since 1970; `Int64.min` for none.
    package let latest: Int64

    /// Whether it is read to its end.
    package let isFinished: Bool

    package init(name: String, position: Int64, latest: Int64, isFinished: Bool) {
        self.name = name
        self.position = position
        self.latest = latest
        self.isFinished = isFinished
    }
}
