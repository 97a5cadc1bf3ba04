import CoordinationCore
import JobService

/// What a job did, for people.
struct JobReport: Sendable {
    let summary: JobSummary

    /// What the process has used when the job ended.
    let usage: RunUsage

    /// Records that were left out are shown with their reasons, but no more than these.
    private static let exampleLimit = 5

    /// Lines, without the end of the last.
    var text: String {
        let summary = self.summary
        let time = Quantity.duration(summary.elapsed)
        var lines: [String] = []
        switch summary.state {
        case .finished: lines.append("\(summary.name) finished in \(time)")
        case .cancelled where summary.stream != nil:
            lines.append("\(summary.name) was stopped after \(time); what it wrote stays, open windows are lost")
        case .cancelled: lines.append("\(summary.name) was cancelled after \(time); it left no output")
        default: lines.append("\(summary.name) failed after \(time): \(summary.failure)")
        }
        lines.append(self.row("input", self.input))
        let hasOutput = summary.state == .finished || (summary.state == .cancelled && summary.stream != nil)
        if hasOutput { lines.append(self.row("output", self.output)) }
        lines.append(self.row("time", "\(time), \(Quantity.duration(self.usage.processorTime)) of CPU"))
        let resident = Quantity.memory(self.usage.residentBytesPeak)
        let anonymous = Quantity.memory(self.usage.anonymousBytesPeak)
        lines.append(self.row("memory", "at most \(resident) resident, \(anonymous) of it anonymous"))
        if let stream = summary.stream { lines += self.rows(of: stream) }
        if summary.spilledRuns > 0 { lines.append(self.row("spilled", self.spilled)) }
        if summary.rejectedRecords > 0 { lines += self.rejected }
        return lines.joined(separator: "\n")
    }

    private var input: String {
        let summary = self.summary
        let seconds = summary.elapsed / .seconds(1)
        let rate = seconds > 0 ? Quantity.rate(bytesPerSecond: Double(summary.inputBytes) / seconds) : "0 B/s"
        let records = Self.counted(summary.inputRecords, "record")
        return "\(summary.input): \(records), \(Quantity.bytes(summary.inputBytes)), \(rate)"
    }

    private var output: String {
        let summary = self.summary
        let records = Self.counted(summary.outputRecords, "record")
        return "\(summary.output): \(records), \(Quantity.bytes(summary.outputBytes))"
    }

    private func rows(of stream: StreamFigures) -> [String] {
        var lines = [self.row("windows", "\(Quantity.exact(stream.firings)) results of keys")]
        let late = stream.status.lateRecords ?? 0
        if late > 0 { lines.append(self.row("late", Self.counted(late, "record"))) }
        if stream.completedCheckpoints > 0 || stream.abandonedCheckpoints > 0 {
            var text = "\(Quantity.exact(stream.completedCheckpoints)) complete"
            if stream.abandonedCheckpoints > 0 { text += ", \(Quantity.exact(stream.abandonedCheckpoints)) given up" }
            if let newest = stream.status.checkpoint { text += "; the newest is \(newest)" }
            lines.append(self.row("checkpoints", text))
        }
        if let problem = stream.checkpointProblem ?? stream.note { lines.append(self.row("note", problem)) }
        return lines
    }

    private var spilled: String {
        "\(Quantity.bytes(self.summary.spilledBytes)) in \(Self.counted(self.summary.spilledRuns, "run"))"
    }

    private var rejected: [String] {
        let summary = self.summary
        let shown = summary.rejectedExamples.prefix(Self.exampleLimit)
        let rest = summary.rejectedRecords - Int64(shown.count)
        var lines = [self.row("rejected", Self.counted(summary.rejectedRecords, "record") + (shown.isEmpty ? "" : ":"))]
        lines += shown.map { "            \($0)" }
        if rest > 0, !shown.isEmpty { lines.append("            and \(Quantity.exact(rest)) more") }
        return lines
    }

    private func row(_ name: String, _ value: String) -> String {
        "  \(name)\(String(repeating: " ", count: max(1, 10 - name.count)))\(value)"
    }

    private static func counted(_ count: Int64, _ noun: String) -> String {
        "\(Quantity.exact(count)) \(noun)\(count == 1 ? "" : "s")"
    }
}

/// What a process used.
struct RunUsage: Hashable, Sendable {
    let processorTime: Duration
    let residentBytesPeak: Int64
    let anonymousBytesPeak: Int64
}
