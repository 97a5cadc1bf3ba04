internal import Glibc
internal import Synchronization

/// Points of checkpoints and deliveries at which a process can be made to end as if it were killed, to test that nothing is lost
/// or doubled whichever comes next.
///
/// `WEIR_FAILPOINT=manifest-written` ends the process when it first comes to that point, `manifest-written:3` when it comes there
/// for the third time. Without the variable a point costs a look at a constant.
package enum Failpoint: String, CaseIterable, Sendable {
    /// Barriers go in at the readers.
    case checkpointTriggered = "checkpoint-triggered"

    /// A subtask's output of an epoch is in a file without a name that counts; it has one.
    case outboxWritten = "outbox-written"
    case outboxSynced = "outbox-synced"

    /// All parts of a checkpoint have come; their blobs are written; the manifest is.
    case partsCollected = "parts-collected"
    case stateWritten = "state-written"
    case manifestWritten = "manifest-written"

    /// What sinks commit by themselves, such as part files, is visible.
    case sinksCommitted = "sinks-committed"

    /// Earlier deliverers are about to be fenced; they are, and the marker is read.
    case fenceBegun = "fence-begun"
    case markerRead = "marker-read"

    /// A delivery's transaction is open; it has all records; it is committed; that is recorded beside the manifests.
    case transactionBegun = "transaction-begun"
    case recordsWritten = "records-written"
    case transactionCommitted = "transaction-committed"
    case deliveryRecorded = "delivery-recorded"

    /// A checkpoint that newer ones replace is about to be removed; it is.
    case removalBegun = "removal-begun"
    case removalEnded = "removal-ended"

    /// Going on: sinks know what the checkpoint counts as written.
    case sinksResumed = "sinks-resumed"

    private static let variable = "WEIR_FAILPOINT"
    private static let armed: (point: Failpoint, count: Int)? = Self.read()
    private static let reached = Atomic<Int>(0)

    /// What is wrong with the variable; nil: nothing, or it isn't set.
    package static var problem: String? {
        guard let text = ProcessEnvironment.value(self.variable), self.armed == nil else { return nil }
        let names = self.allCases.map(\.rawValue).joined(separator: ", ")
        return "\(self.variable)=\(text) names no point: write one of \(names), and :N for the Nth time"
    }

    private static func read() -> (point: Failpoint, count: Int)? {
        guard let text = ProcessEnvironment.value(self.variable) else { return nil }
        let parts = text.split(separator: ":", maxSplits: 1)
        guard let name = parts.first, let point = Failpoint(rawValue: String(name)) else { return nil }
        guard let count = parts.count > 1 ? Int(parts[1]) : 1, count >= 1 else { return nil }
        return (point, count)
    }

    /// The process comes here: it may be its end.
    package func reach() {
        guard let armed = Self.armed, armed.point == self else { return }
        guard Self.reached.add(1, ordering: .relaxed).newValue == armed.count else { return }
        kill(getpid(), SIGKILL)
        // The signal may come a moment later: nothing happens behind the point.
        while true { pause() }
    }
}
