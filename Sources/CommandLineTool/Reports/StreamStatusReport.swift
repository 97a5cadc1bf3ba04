import CoordinationCore

/// The figures of a stream for programs, and what they mean for people.
struct StreamStatusReport {
    let status: StreamStatus

    init(_ status: StreamStatus) {
        self.status = status
    }

    /// One object, whose members are always the same.
    var json: JSONValue {
        let members = self.status.fields.map { field in
            let value: JSONValue =
                switch field.value {
                case .text(let text): .text(text)
                case .number(let number): number.map { .integer($0) } ?? .null
                }
            return JSONValue.Member(Self.camelCase(field.name), value)
        }
        return .object(members)
    }

    private static func camelCase(_ name: String) -> String {
        let parts = name.split(separator: "-")
        return parts.dropFirst().reduce(String(parts.first ?? "")) { $0 + $1.prefix(1).uppercased() + $1.dropFirst() }
    }

    /// Why it is as it is, at a moment: a line for each verdict.
    func text(now: Int64) -> String {
        let lines = StreamDiagnosis(self.status, now: now).verdicts.map { "  \(Self.text(of: $0))" }
        return (["\(self.status.job): \(self.status.state)"] + lines).joined(separator: "\n")
    }

    static func text(of verdict: StreamDiagnosis.Verdict) -> String {
        switch verdict {
        case .notRunning(let age):
            "not running, or it hangs: it last said something \(Self.span(age)) ago; weir run --resume goes on from its newest "
                + "checkpoint"
        case .ended(let state): "it has ended: \(state)"
        case .stopping: "it is stopping: a last checkpoint is being taken, or its windows are being fired"
        case .brokerAway(let reason): "the source can't be read at present: \(reason); it is tried again by itself"
        case .checkpointsFailing(let reason):
            "checkpoints fail: \(reason); the stream goes on, and the next one is tried"
        case .checkpointOverdue(let age):
            age.map { "the newest checkpoint is \(Self.span($0)) old: barriers wait, or parts are missing" }
                ?? "no checkpoint is complete yet: barriers wait behind records, or parts are missing"
        case .slowSink(let percent):
            "the sink is slow: windows waited for it \(percent) % of the time; what takes their output holds everything back"
        case .slowDelivery(let milliseconds):
            "the output of a checkpoint has been under way to its sink for \(Self.span(milliseconds)): no checkpoint begins "
                + "meanwhile"
        case .slowWindows(let percent):
            "windows are slow: reading waited for them \(percent) % of the time; more --parallelism may help"
        case .driftLimit(let held, let split):
            "\(held) split\(held == 1 ? " waits" : "s wait") for \(split.map { "'\($0)'" } ?? "the one that is last"), as "
                + ":drift-limit says"
        case .splitHoldsTime(let split, let milliseconds):
            "records come, and event time hasn't moved for \(Self.span(milliseconds)): '\(split)' holds it back; it has nothing "
                + "newer, or isn't silent for long enough to count as idle (:idle-after)"
        case .idleSplits(let idle, let count):
            "\(idle) of \(count) splits are idle: they have nothing new, and don't hold event time back"
        case .noData(let milliseconds): "nothing has come for \(Self.span(milliseconds)): the source has nothing new"
        case .readingStands(let milliseconds, let lag):
            "\(Quantity.exact(lag)) records are there, and none was read for \(Self.span(milliseconds))"
        case .lag(let records, let seconds):
            "\(Quantity.exact(records)) records wait to be read"
                + (seconds.map { ", about \(Self.span($0 * 1_000)) at the present rate" } ?? "")
        case .nothingAmiss: "nothing is amiss"
        }
    }

    private static func span(_ milliseconds: Int64) -> String { Quantity.estimate(.milliseconds(max(0, milliseconds))) }
}
