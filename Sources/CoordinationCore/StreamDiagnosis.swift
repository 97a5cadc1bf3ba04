/// Why a stream is slow, late or stuck: a pure judgement of its figures.
package struct StreamDiagnosis: Hashable, Sendable {
    package enum Verdict: Hashable, Sendable {
        /// Nobody has written the figures for so many milliseconds: it doesn't run, or hangs.
        case notRunning(age: Int64)
        case ended(state: String)
        /// It takes its last checkpoint, or fires its windows.
        case stopping
        case brokerAway(reason: String)
        case checkpointsFailing(reason: String)
        /// The newest is so many milliseconds old; nil: there is none yet.
        case checkpointOverdue(age: Int64?)
        /// The sink takes less than the windows write.
        case slowSink(percent: Int64)
        /// The output of a checkpoint has been under way for so many milliseconds.
        case slowDelivery(milliseconds: Int64)
        /// The windows take less than is read.
        case slowWindows(percent: Int64)
        /// Splits wait for the one that is furthest behind.
        case driftLimit(held: Int64, split: String?)
        /// Records come, and event time doesn't move: this split holds it back.
        case splitHoldsTime(String, milliseconds: Int64)
        /// Some splits are silent, and no longer hold time back.
        case idleSplits(Int64, of: Int64)
        /// Nothing came for so many milliseconds, and nothing is there.
        case noData(milliseconds: Int64)
        /// Records are there, and none was read for so many milliseconds.
        case readingStands(milliseconds: Int64, lag: Int64)
        /// So many records wait to be read; about so many seconds at the present rate.
        case lag(records: Int64, seconds: Int64?)
        case nothingAmiss
    }

    /// The most important first; never empty.
    package let verdicts: [Verdict]

    /// Figures older than this are nobody's any more.
    package static let staleMilliseconds: Int64 = 10_000
    private static let silenceMilliseconds: Int64 = 10_000
    private static let stillMilliseconds: Int64 = 10_000
    private static let deliveryMilliseconds: Int64 = 10_000

    /// Percent of the time for which somebody waits from which on it matters.
    private static let pressureLimit: Int64 = 30

    /// Checkpoints may be late by so many intervals.
    private static let overdueIntervals: Int64 = 3

    /// A lag of less than this many seconds of input is none.
    private static let lagSeconds: Int64 = 5

    /// Judges a status at a moment, in milliseconds since 1970.
    package init(_ status: StreamStatus, now: Int64) {
        guard ["running", "stopping"].contains(status.state) else {
            self.verdicts = [.ended(state: status.state)]
            return
        }
        let age = now - (status.writtenAt ?? 0)
        guard age <= Self.staleMilliseconds else {
            self.verdicts = [.notRunning(age: age)]
            return
        }
        var found: [Verdict] = status.state == "stopping" ? [.stopping] : []
        if let warning = status.warning { found.append(.brokerAway(reason: warning)) }
        found += Self.checkpoints(status)
        found += Self.pressure(status)
        found += Self.time(status)
        found += Self.input(status)
        self.verdicts = found.isEmpty ? [.nothingAmiss] : found
    }

    private static func checkpoints(_ status: StreamStatus) -> [Verdict] {
        if let problem = status.checkpointProblem { return [.checkpointsFailing(reason: problem)] }
        guard let interval = status.checkpointInterval, let age = status.checkpointAge,
            age > self.overdueIntervals * interval + (status.checkpointMilliseconds ?? 0)
        else { return [] }
        return [.checkpointOverdue(age: status.checkpoint == nil ? nil : age)]
    }

    private static func pressure(_ status: StreamStatus) -> [Verdict] {
        var found: [Verdict] = []
        if let milliseconds = status.delivering, milliseconds > self.deliveryMilliseconds {
            found.append(.slowDelivery(milliseconds: milliseconds))
        }
        if let percent = status.windowPressure, percent >= self.pressureLimit {
            found.append(.slowSink(percent: percent))
        } else if let percent = status.sourcePressure, percent >= self.pressureLimit {
            found.append(.slowWindows(percent: percent))
        }
        return found
    }

    private static func time(_ status: StreamStatus) -> [Verdict] {
        if let held = status.heldCount, held > 0 { return [.driftLimit(held: held, split: status.slowestSplit)] }
        let hasInput = (status.inputPerSecond ?? 0) > 0
        if hasInput, let split = status.slowestSplit, let still = status.watermarkStill, still > self.stillMilliseconds
        {
            return [.splitHoldsTime(split, milliseconds: still)]
        }
        guard let idle = status.idleCount, let count = status.splitCount, idle > 0 else { return [] }
        return [.idleSplits(idle, of: count)]
    }

    private static func input(_ status: StreamStatus) -> [Verdict] {
        let lag = status.lagRecords ?? 0
        if let silence = status.silence, silence > self.silenceMilliseconds {
            return lag > 0 ? [.readingStands(milliseconds: silence, lag: lag)] : [.noData(milliseconds: silence)]
        }
        let rate = status.inputPerSecond ?? 0
        guard lag > self.lagSeconds * max(rate, 1) else { return [] }
        return [.lag(records: lag, seconds: rate > 0 ? lag / rate : nil)]
    }
}
