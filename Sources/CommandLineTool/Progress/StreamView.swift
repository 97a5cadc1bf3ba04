import CoordinationCore
import JobService

/// What a terminal shows of a running stream, in a few lines that are drawn anew in place.
struct StreamView: Hashable, Sendable {
    struct Line: Hashable, Sendable {
        let text: String

        /// Something that somebody should look at.
        var isWarning = false
    }

    private static let nameLimit = 40
    private static let gaugeLength = 10

    private let name: String
    private let status: StreamStatus
    private let elapsed: Duration
    private let bytesPerSecond: Double
    private let state: (bytes: Int64, diskBytes: Int64, keys: Int64)

    init(_ snapshot: JobSnapshot, _ stream: StreamFigures, bytesPerSecond: Double) {
        self.name = snapshot.name
        self.status = stream.status
        self.elapsed = snapshot.elapsed
        self.bytesPerSecond = bytesPerSecond
        self.state = (stream.stateBytes, stream.stateDiskBytes, stream.stateKeys)
    }

    static func == (left: StreamView, right: StreamView) -> Bool { left.lines == right.lines }

    func hash(into hasher: inout Hasher) { hasher.combine(self.lines) }

    /// The lines as wide as they are.
    var lines: [Line] {
        let status = self.status
        let name = self.name.count <= Self.nameLimit ? self.name : "\(self.name.prefix(Self.nameLimit - 1))…"
        var lines = [Line(text: "\(name)  \(status.state)  \(Quantity.estimate(self.elapsed))")]
        lines.append(self.row("in", self.input))
        lines.append(self.row("out", Self.flow(status.outputRecords, status.outputPerSecond)))
        lines.append(self.row("time", self.time))
        if let splits = self.splits { lines.append(self.row("splits", splits)) }
        let (keys, bytes) = (Quantity.count(self.state.keys), Quantity.bytes(self.state.bytes))
        let disk = self.state.diskBytes > 0 ? ", \(Quantity.bytes(self.state.diskBytes)) on disk" : ""
        lines.append(self.row("windows", "\(keys) keys, \(bytes)\(disk)"))
        lines.append(self.row("held back", self.pressure))
        if status.checkpointInterval != nil { lines.append(self.row("checkpoint", self.checkpoint)) }
        if let problems = self.problems { lines.append(self.row("problems", problems, isWarning: true)) }
        for text in [status.warning, status.checkpointProblem].compactMap(\.self) {
            lines.append(Line(text: "  \(text)", isWarning: true))
        }
        return lines
    }

    /// The lines for a terminal, each shorter than `columnCount` columns, in colour where it is wanted.
    func lines(columnCount: Int, usesColor: Bool) -> [String] {
        // The last column stays free: terminals wrap when it is written.
        let limit = max(1, columnCount - 1)
        return self.lines.map { line in
            let text = line.text.count <= limit ? line.text : "\(line.text.prefix(limit - 1))…"
            return line.isWarning && usesColor ? "\u{1B}[33m\(text)\u{1B}[0m" : text
        }
    }

    private func row(_ name: String, _ value: String, isWarning: Bool = false) -> Line {
        Line(text: "  \(name)\(String(repeating: " ", count: max(1, 12 - name.count)))\(value)", isWarning: isWarning)
    }

    private static func flow(_ records: Int64?, _ perSecond: Int64?) -> String {
        "\(Quantity.count(records ?? 0)) records, \(Quantity.count(perSecond ?? 0)) a second"
    }

    private var input: String {
        let text = Self.flow(self.status.inputRecords, self.status.inputPerSecond)
        return self.bytesPerSecond > 0 ? "\(text), \(Quantity.rate(bytesPerSecond: self.bytesPerSecond))" : text
    }

    private var time: String {
        guard let watermark = self.status.watermark else { return "none yet" + self.holder }
        var text = Timestamp.text(watermark)
        if let now = self.status.writtenAt, now >= watermark {
            text += ", \(Quantity.estimate(.milliseconds(now - watermark))) behind the clock"
        }
        return text + self.holder
    }

    private var holder: String { self.status.slowestSplit.map { "; \($0) is last" } ?? "" }

    private var splits: String? {
        guard let count = self.status.splitCount, count > 0 else { return nil }
        var parts = ["\(count)"]
        if let idle = self.status.idleCount, idle > 0 { parts.append("\(idle) idle") }
        if let held = self.status.heldCount, held > 0 { parts.append("\(held) wait for the others") }
        if let lag = self.status.lagRecords, lag > 0 { parts.append("\(Quantity.count(lag)) records to read") }
        return parts.joined(separator: ", ")
    }

    private var pressure: String {
        let source = self.status.sourcePressure ?? 0
        let window = self.status.windowPressure ?? 0
        return "reading \(Self.gauge(source)) \(source) %  windows \(Self.gauge(window)) \(window) %"
    }

    private static func gauge(_ percent: Int64) -> String {
        let share = Double(percent) * Double(Self.gaugeLength) / 100
        let filled = min(Self.gaugeLength, max(0, Int(share.rounded(.up))))
        let rest = String(repeating: ".", count: Self.gaugeLength - filled)
        return "[" + String(repeating: "#", count: filled) + rest + "]"
    }

    private var checkpoint: String {
        guard let number = self.status.checkpoint else { return "none yet" }
        let age = Quantity.estimate(.milliseconds(self.status.checkpointAge ?? 0))
        let took = Quantity.duration(.milliseconds(self.status.checkpointMilliseconds ?? 0))
        var text = "\(number), \(age) ago, \(Quantity.bytes(self.status.checkpointBytes ?? 0)), took \(took)"
        if let delivering = self.status.delivering {
            text += ", delivering for \(Quantity.estimate(.milliseconds(delivering)))"
        }
        return text
    }

    private var problems: String? {
        var parts: [String] = []
        if let late = self.status.lateRecords, late > 0 { parts.append("\(Quantity.count(late)) late") }
        if let rejected = self.status.rejectedRecords, rejected > 0 {
            parts.append("\(Quantity.count(rejected)) rejected")
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}
