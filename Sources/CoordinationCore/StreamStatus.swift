/// What is known of a running stream at a moment: what its view shows, and what ``StreamDiagnosis`` judges.
///
/// Its text is lines of a name and a value; those that aren't known are left out, and unknown names are passed over, so that
/// versions of Weir can read each other's.
package struct StreamStatus: Hashable, Sendable {
    package var job = ""

    /// The state of the job, `stopping` where it was asked to.
    package var state = ""

    /// What hinders reading at present: a broker that can't be reached.
    package var warning: String?

    /// Why the newest checkpoint that was given up was, where none has completed since.
    package var checkpointProblem: String?

    /// The split that holds event time back.
    package var slowestSplit: String?

    /// Milliseconds since 1970 at which this was so.
    package var writtenAt: Int64?
    package var inputRecords: Int64?
    package var outputRecords: Int64?
    package var inputPerSecond: Int64?
    package var outputPerSecond: Int64?

    /// Milliseconds since a record came, and since event time last moved.
    package var silence: Int64?
    package var watermark: Int64?
    package var watermarkStill: Int64?
    package var splitCount: Int64?
    package var idleCount: Int64?

    /// Splits that wait because their time is ahead of others.
    package var heldCount: Int64?

    /// Records that are there and weren't read yet.
    package var lagRecords: Int64?

    /// For how much of the last seconds, in percent, reading waited for windows, and windows for a sink.
    package var sourcePressure: Int64?
    package var windowPressure: Int64?
    package var lateRecords: Int64?
    package var rejectedRecords: Int64?

    /// The newest complete checkpoint, the milliseconds since then, how long it took, and its bytes on disk.
    package var checkpoint: Int64?
    package var checkpointAge: Int64?
    package var checkpointMilliseconds: Int64?
    package var checkpointBytes: Int64?
    package var checkpointInterval: Int64?

    /// Milliseconds for which the output of a checkpoint has been under way to its sink.
    package var delivering: Int64?

    /// Milliseconds from the start of this run to the first record that it took; nil before that.
    package var recoveryMilliseconds: Int64?

    package init() {}

    // MARK: Fields

    package enum Field: Hashable, Sendable {
        case text(String?)
        case number(Int64?)
    }

    /// Everything by name, in the same order always.
    package var fields: [(name: String, value: Field)] {
        [("job", .text(self.job)), ("state", .text(self.state))]
            + Self.texts.map { ($0.name, .text(self[keyPath: $0.path])) }
            + Self.numbers.map { ($0.name, .number(self[keyPath: $0.path])) }
    }

    // MARK: Text

    private typealias TextPath = WritableKeyPath<StreamStatus, String?>
    private typealias NumberPath = WritableKeyPath<StreamStatus, Int64?>

    private static var texts: [(name: String, path: TextPath)] {
        [("warning", \.warning), ("checkpoint-problem", \.checkpointProblem), ("slowest-split", \.slowestSplit)]
    }

    private static var numbers: [(name: String, path: NumberPath)] {
        [
            ("written-at", \.writtenAt), ("input-records", \.inputRecords), ("output-records", \.outputRecords),
            ("input-per-second", \.inputPerSecond), ("output-per-second", \.outputPerSecond), ("silence", \.silence),
            ("watermark", \.watermark), ("watermark-still", \.watermarkStill), ("split-count", \.splitCount),
            ("idle-count", \.idleCount), ("held-count", \.heldCount), ("lag-records", \.lagRecords),
            ("source-pressure", \.sourcePressure), ("window-pressure", \.windowPressure),
            ("late-records", \.lateRecords), ("rejected-records", \.rejectedRecords), ("checkpoint", \.checkpoint),
            ("checkpoint-age", \.checkpointAge), ("checkpoint-milliseconds", \.checkpointMilliseconds),
            ("checkpoint-bytes", \.checkpointBytes), ("checkpoint-interval", \.checkpointInterval),
            ("delivering", \.delivering), ("recovery-milliseconds", \.recoveryMilliseconds),
        ]
    }

    /// More than any text needs: what is longer isn't read.
    package static let byteLimit = 64 << 10

    /// Longer texts are cut.
    private static let textLimit = 2_000

    package var text: String {
        var lines = ["weir-stream-status 1", "job \(Self.line(self.job))", "state \(Self.line(self.state))"]
        for (name, path) in Self.texts {
            if let text = self[keyPath: path] { lines.append("\(name) \(Self.line(text))") }
        }
        for (name, path) in Self.numbers {
            if let number = self[keyPath: path] { lines.append("\(name) \(number)") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func line(_ text: String) -> String {
        String(text.prefix(self.textLimit).map { $0.isNewline ? " " : $0 })
    }

    /// - Returns: Nil where the text isn't a status.
    package init?(parsing text: String) {
        let lines = text.split(separator: "\n")
        guard lines.first == "weir-stream-status 1" else { return nil }
        for line in lines.dropFirst() {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard let name = parts.first else { continue }
            let value = parts.count > 1 ? String(parts[1]) : ""
            switch name {
            case "job": self.job = value
            case "state": self.state = value
            default:
                if let (_, path) = Self.texts.first(where: { $0.name == name }) { self[keyPath: path] = value }
                if let (_, path) = Self.numbers.first(where: { $0.name == name }) { self[keyPath: path] = Int64(value) }
            }
        }
    }
}
