/// An operation of the outside world that failed.
///
/// The text names the operation, the object, what happened and what to do.
package struct EnvironmentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What callers tell apart; everything else is for people.
    package enum Reason: Hashable, Sendable {
        /// The disk or the quota on it is full.
        case noSpace
        case notFound
        case alreadyExists
        case notPermitted
        /// Everything else, with the number of the operating system.
        case other(code: Int32)
    }

    package let reason: Reason

    /// What was attempted, in the infinitive: "create /x/y".
    package let attempt: String

    /// What the operating system says: "No space left on device (ENOSPC)".
    package let detail: String

    package init(_ attempt: String, reason: Reason, detail: String) {
        self.reason = reason
        self.attempt = attempt
        self.detail = detail
    }

    package var description: String {
        "can't \(self.attempt): \(self.detail); \(self.advice)"
    }

    private var advice: String {
        switch self.reason {
        case .noSpace: "free some space there or choose another disk"
        case .notFound: "check the path"
        case .alreadyExists: "remove it or choose another name"
        case .notPermitted: "check the permissions of the path and of the directories above it"
        case .other: "check the path and the machine's log"
        }
    }
}
