internal import CoordinationCore
internal import Engine
internal import Environment
internal import Platform
internal import Storage
internal import Synchronization
internal import WorkerService

extension StreamJob {
    /// Notes how it is doing; called every tick.
    func sample() {
        let now = self.now
        let blocked = self.counters.blockedCounts
        let parallelism = Double(self.stream.parallelism)
        let sample = StreamMonitor.Sample(
            now: now,
            inputRecords: self.counters.inputRecords,
            outputRecords: self.counters.outputRecords,
            watermark: self.counters.watermark,
            blockedSources: Double(blocked.sources) / parallelism,
            blockedWriters: Double(blocked.writers) / parallelism
        )
        self.state.withLock { state in
            state.monitor.add(sample)
            if state.firstRecordAt == nil, sample.inputRecords > 0 { state.firstRecordAt = now }
        }
    }

    /// Everything that a view shows of it.
    var figures: StreamFigures {
        let now = self.now
        let wall = SystemWallClock().millisecondsSince1970
        return self.state.withLock { state in
            var figures = state.figures
            figures.status = self.status(state, now: now, wall: wall)
            figures.firings = self.counters.firings
            let kept = self.counters.state
            figures.stateBytes = Int64(kept.bytes)
            figures.stateDiskBytes = kept.diskBytes
            figures.stateKeys = Int64(kept.keyCount)
            return figures
        }
    }

    private func status(_ state: State, now: Int64, wall: Int64) -> StreamStatus {
        var status = StreamStatus()
        status.job = self.stream.name
        status.state = state.isStopping && state.phase == .running ? "stopping" : state.phase.rawValue
        status.writtenAt = wall
        status.warning = self.counters.warning
        status.checkpointProblem = state.checkpointProblem
        status.slowestSplit = self.counters.slowestSplit
        status.inputRecords = self.counters.inputRecords
        status.outputRecords = self.counters.outputRecords
        status.inputPerSecond = state.monitor.inputPerSecond
        status.outputPerSecond = state.monitor.outputPerSecond
        status.silence = state.monitor.silence
        status.watermark = self.counters.watermark
        status.watermarkStill = state.monitor.watermarkStill
        let splits = self.counters.splits
        status.splitCount = Int64(splits.count)
        status.idleCount = Int64(splits.idle)
        status.heldCount = Int64(splits.held)
        status.lagRecords = self.counters.lagRecords
        status.sourcePressure = Int64(state.monitor.sourcePressure)
        status.windowPressure = Int64(state.monitor.windowPressure)
        status.lateRecords = self.counters.lateRecords
        status.rejectedRecords = self.counters.rejectedRecords
        status.recoveryMilliseconds = state.firstRecordAt
        guard self.options.store != nil else { return status }
        status.checkpointInterval = self.options.checkpoints.interval
        status.checkpoint = state.checkpoint?.number
        status.checkpointAge = now - (state.checkpoint?.endedAt ?? 0)
        status.checkpointMilliseconds = state.checkpoint?.milliseconds
        status.checkpointBytes = state.checkpoint?.bytes
        status.delivering = state.deliveringSince.map { now - $0 }
        return status
    }

    /// Writes the figures where `weir why` finds them; one that can't be written is written again.
    func writeStatus() {
        guard let directory = self.options.stateDirectory else { return }
        try? StatusFile(disk: LocalDisk(), directory: directory).write(self.figures.status)
    }
}
