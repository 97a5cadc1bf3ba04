package import CoreTypes

/// One try at running one subtask: what workers are told to run and what they report about.
package struct SubtaskAttempt: Hashable, Sendable {
    package let subtask: SubtaskID
    package let attempt: AttemptNumber

    package init(subtask: SubtaskID, attempt: AttemptNumber) {
        self.subtask = subtask
        self.attempt = attempt
    }
}

/// A split as far as handing it out needs to know it.
package struct SplitDescriptor: Hashable, Sendable {
    package let id: SplitID

    /// How much work it is; not negative.
    package let weightBytes: Int64

    package init(id: SplitID, weightBytes: Int64) {
        precondition(weightBytes >= 0, "work isn't negative")
        self.id = id
        self.weightBytes = weightBytes
    }
}

/// Why a job, or one attempt of it, failed.
package struct JobFailure: Error, Hashable, Sendable {
    package enum Cause: String, Hashable, Sendable {
        /// The program or its input is wrong: trying again gives the same.
        case userError
        /// A source, a sink or the machine failed: trying again may help.
        case transient
        /// Trying again can't help: a full disk, a missing permission.
        case permanent
        /// Whoever read the output has gone away: nobody wants the rest.
        case readerGone
    }

    package let cause: Cause

    /// What was attempted, what happened, what to do.
    package let message: String

    package init(_ cause: Cause, message: String) {
        self.cause = cause
        self.message = message
    }
}
