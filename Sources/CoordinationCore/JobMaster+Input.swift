package import CoreTypes

extension JobMaster {
    /// What happened.
    ///
    /// Reports about an attempt are ignored once it has ended or a newer one has taken its place: workers may be slow.
    package enum Input: Hashable, Sendable {
        /// The source was enumerated: ids are distinct, and there may be none.
        case splitsEnumerated([SplitDescriptor])
        /// Planning, enumerating or preparing the sinks failed.
        case preparationFailed(JobFailure)
        case sinksPrepared

        case subtaskStarted(SubtaskAttempt)
        /// It has nothing left to read. Answered by exactly one `assign` or `noMoreSplits`, unless the attempt is ending.
        /// While splits might still come back from others the answer waits.
        case splitsRequested(SubtaskAttempt)
        /// It has read this split to its end.
        case splitFinished(SplitID, by: SubtaskAttempt)
        case subtaskFinished(SubtaskAttempt)
        case subtaskFailed(SubtaskAttempt, JobFailure)
        /// It has stopped after a `cancel`.
        case subtaskCancelled(SubtaskAttempt)

        case cancelRequested
        case sinksCommitted
        case commitFailed(JobFailure)
        case sinksAborted
    }

    /// What the caller must now do, in the order of the array.
    package enum Effect: Hashable, Sendable {
        /// For whoever watches: nothing needs to be done.
        case stateChanged(JobState)
        /// Check that the sinks may be written and remove what a killed run left behind.
        case prepareSinks
        /// Start an attempt. A subtask that takes part in an exchange gets it anew, whatever its channels held before.
        case start(SubtaskAttempt)
        case assign([SplitID], to: SubtaskAttempt)
        case noMoreSplits(SubtaskAttempt)
        /// Stop an attempt, then report `subtaskCancelled`, or `subtaskFinished` where it was just done.
        case cancel(SubtaskAttempt)
        /// Make the output of these attempts visible: one for each subtask of the last stage, in their order.
        case commitSinks([SubtaskAttempt])
        /// Remove all output. Comes when nothing writes any more.
        case abortSinks
        /// Why the job ends as `failed`, or starts again.
        case failed(JobFailure)
    }
}
