import CoordinationCore
import JobService

/// How far a job is, in one line.
struct ProgressLine: Hashable, Sendable {
    /// Longer names are cut, so that the figures stay in sight.
    private static let nameLimit = 28
    private static let barLimit = 30
    private static let barMinimum = 10

    let name: String
    let stage: String

    /// From 0 to 1; nil where nobody knows.
    let fraction: Double?

    /// What else there is to say, the most important first.
    let details: [String]

    /// What there is to see of a stream.
    let view: StreamView?

    /// The line for a job that reads `bytesPerSecond` now.
    init(_ snapshot: JobSnapshot, bytesPerSecond: Double) {
        self.name = snapshot.name
        let isShown = snapshot.state == .running
        self.view = isShown ? snapshot.stream.map { StreamView(snapshot, $0, bytesPerSecond: bytesPerSecond) } : nil
        switch snapshot.state {
        case .created, .planned: (self.stage, self.fraction, self.details) = ("starting", nil, [])
        case .restarting: (self.stage, self.fraction, self.details) = ("restarting", nil, [])
        case .finishing, .finished: (self.stage, self.fraction, self.details) = ("committing output", nil, [])
        case .failing, .failed: (self.stage, self.fraction, self.details) = ("stopping", nil, [])
        case .cancelling, .cancelled: (self.stage, self.fraction, self.details) = ("cancelling", nil, [])
        case .running where snapshot.stream != nil:
            self.stage = snapshot.stream?.status.state == "stopping" ? "stopping" : "streaming"
            self.fraction = nil
            self.details = Self.streamDetails(snapshot, bytesPerSecond: bytesPerSecond)
        case .running:
            let stages = snapshot.progress.stages
            let current = stages.firstIndex { $0.finishedCount < $0.subtaskCount } ?? max(0, stages.count - 1)
            if current == 0 {
                self.stage = "map"
                self.fraction = Self.mapFraction(snapshot)
                self.details = Self.mapDetails(snapshot, bytesPerSecond: bytesPerSecond)
            } else {
                self.stage = "reduce"
                let subtasks = stages[current]
                self.fraction = Double(subtasks.finishedCount) / Double(max(1, subtasks.subtaskCount))
                self.details = [
                    "\(Quantity.count(snapshot.reducedKeys)) keys",
                    "\(subtasks.finishedCount) of \(subtasks.subtaskCount) subtasks",
                ]
            }
        }
    }

    private static func streamDetails(_ snapshot: JobSnapshot, bytesPerSecond: Double) -> [String] {
        guard let stream = snapshot.stream else { return [] }
        if let warning = stream.status.warning {
            return [warning] + Self.streamFigures(snapshot, stream, bytesPerSecond)
        }
        return Self.streamFigures(snapshot, stream, bytesPerSecond)
    }

    private static func streamFigures(
        _ snapshot: JobSnapshot,
        _ stream: StreamFigures,
        _ bytesPerSecond: Double
    ) -> [String] {
        let status = stream.status
        var details = ["\(Quantity.count(snapshot.inputRecords)) in"]
        if bytesPerSecond > 0 { details[0] += " (\(Quantity.rate(bytesPerSecond: bytesPerSecond)))" }
        details.append("\(Quantity.count(snapshot.outputRecords)) out")
        details.append(status.watermark.map { "at \(Timestamp.text($0))" } ?? "no time yet")
        if let split = status.slowestSplit, bytesPerSecond == 0 { details.append("waits for \(split)") }
        if let held = status.heldCount, held > 0 { details.append("\(held) splits wait for others") }
        if let late = status.lateRecords, late > 0 { details.append("\(Quantity.count(late)) late") }
        if let percent = status.sourcePressure, percent > 0 { details.append("\(percent) % held back by the windows") }
        if let percent = status.windowPressure, percent > 0 { details.append("\(percent) % held back by the sink") }
        if let number = status.checkpoint {
            let age = Quantity.estimate(.milliseconds(status.checkpointAge ?? 0))
            details.append("checkpoint \(number) \(age) ago, \(Quantity.bytes(status.checkpointBytes ?? 0))")
        }
        if let problem = status.checkpointProblem ?? stream.note { details.append(problem) }
        return details
    }

    private static func mapFraction(_ snapshot: JobSnapshot) -> Double? {
        guard snapshot.totalBytes > 0 else { return nil }
        return min(1, Double(snapshot.inputBytes) / Double(snapshot.totalBytes))
    }

    private static func mapDetails(_ snapshot: JobSnapshot, bytesPerSecond: Double) -> [String] {
        var details: [String] = []
        if bytesPerSecond > 0 { details.append(Quantity.rate(bytesPerSecond: bytesPerSecond)) }
        let left = snapshot.totalBytes - snapshot.inputBytes
        if snapshot.totalBytes <= 0 {
            details.append("\(Quantity.count(snapshot.inputRecords)) records")
        } else if bytesPerSecond > 0, left > 0 {
            details.append("ETA \(Quantity.estimate(.seconds(Double(left) / bytesPerSecond)))")
        }
        if snapshot.spilledBytes > 0 { details.append("\(Quantity.bytes(snapshot.spilledBytes)) spilled") }
        return details
    }

    private var percentage: String? {
        self.fraction.map { "\(Int(($0 * 100).rounded(.down))) %" }
    }

    /// The line for logs: `word-count: map 63 %, 412 MB/s, ETA 3 s`.
    var plain: String {
        let head = ([self.stage] + [self.percentage].compactMap(\.self)).joined(separator: " ")
        return "\(self.name): " + ([head] + self.details).joined(separator: ", ")
    }

    /// The line for a terminal, shorter than `columnCount` columns: what doesn't fit is left out from the end, and the
    /// bar first.
    func bar(columnCount: Int) -> String {
        // The last column stays free: terminals wrap when it is written.
        let limit = max(1, columnCount - 1)
        let name = self.name.count <= Self.nameLimit ? self.name : "\(self.name.prefix(Self.nameLimit - 1))…"
        let head = "\(name)  \(self.stage)"
        var details = [self.percentage].compactMap(\.self) + self.details
        var text = ([head] + details).joined(separator: "  ")
        while text.count > limit, !details.isEmpty {
            details.removeLast()
            text = ([head] + details).joined(separator: "  ")
        }
        // Brackets and two spaces go with it.
        let room = min(limit - text.count - 4, Self.barLimit)
        if let fraction = self.fraction, room >= Self.barMinimum {
            return ([head, Self.bar(fraction, length: room)] + details).joined(separator: "  ")
        }
        return String(text.prefix(limit))
    }

    private static func bar(_ fraction: Double, length: Int) -> String {
        let filled = Int((fraction * Double(length)).rounded(.down))
        let tip = filled < length ? ">" : ""
        let empty = String(repeating: " ", count: length - filled - tip.count)
        return "[" + String(repeating: "=", count: filled) + tip + empty + "]"
    }
}
