package import CoordinationCore
package import CoreTypes

/// What a job did, once it has ended.
package struct JobSummary: Sendable {
    package let id: JobID
    package let name: String
    package let state: JobState

    /// Why it failed, ready to be shown; empty where it didn't.
    ///
    /// The message, and where it was a lambda's fault the source line.
    package let failure: String

    /// Whether it failed because whoever read its output has gone away, as `head` does.
    package let isReaderGone: Bool

    /// What the input and the output are called: patterns, a path.
    package let input: String
    package let output: String

    /// Bytes read of the inputs as they lie on disk.
    package let inputBytes: Int64
    package let inputRecords: Int64

    /// Pairs the map emitted, keys that were reduced, pairs that were written.
    package let mappedPairs: Int64

    /// Rows that went through the shuffle, and their bytes: fewer than pairs where they were combined before.
    package let shuffledRows: Int64
    package let shuffledBytes: Int64
    package let reducedKeys: Int64
    package let outputRecords: Int64
    package let outputBytes: Int64

    /// Bytes of the sorted runs that didn't fit in memory, and how many runs they were.
    package let spilledBytes: Int64
    package let spilledRuns: Int64

    /// Records left out under the policies `skip` and `dead-letter`, and the first five of them with place and reason.
    package let rejectedRecords: Int64
    package let rejectedExamples: [String]
    package let elapsed: Duration

    /// What a stream has beside that.
    package var stream: StreamFigures?
}

/// What a running job has done so far.
package struct JobSnapshot: Sendable {
    package let id: JobID
    package let name: String
    package let state: JobState

    /// Bytes on disk of all splits, and of those that were read.
    package let totalBytes: Int64
    package let inputBytes: Int64
    package let inputRecords: Int64
    package let mappedPairs: Int64
    package let reducedKeys: Int64
    package let outputRecords: Int64
    package let spilledBytes: Int64
    package let progress: JobProgress
    package let elapsed: Duration

    /// What a stream has beside that.
    package var stream: StreamFigures?
}
