internal import ConnectorKit
internal import CoordinationCore
internal import CoreTypes
internal import Engine
internal import Platform
internal import Storage
internal import Synchronization
internal import WorkerService

/// Performs what ``CheckpointCoordinator`` decides.
extension StreamRunner {
    mutating func take(_ snapshot: SubtaskSnapshot, of subtask: StreamSubtaskID, checkpoint number: Int64) {
        self.ledger.add(snapshot.outputs, of: number)
        // One that was given up meanwhile: nobody will read what was handed over.
        guard self.coordinator.pendingNumber == number else { return self.worker.settle(number, isStored: false) }
        self.parts[number, default: [:]][subtask] = snapshot
        let index = subtask.position(in: self.job.stream) * self.job.stream.parallelism + subtask.index
        self.perform(self.coordinator.step(.acknowledged(number, subtask: index)))
    }

    mutating func perform(_ effects: [CheckpointCoordinator.Effect]) {
        for effect in effects {
            switch effect {
            case .trigger(let number): self.trigger(number, isLast: false)
            case .triggerLast(let number): self.trigger(number, isLast: true)
            case .overtake(let number): self.worker.overtake(number)
            case .stop: self.stop()
            case .store(let number): self.store(number)
            case .complete(let number): self.complete(number)
            case .abandon(let number, let reason): self.abandon(number, reason)
            case .remove(let number): self.writer?.post(.remove(number))
            }
        }
    }

    private mutating func trigger(_ number: Int64, isLast: Bool) {
        self.startedAt[number] = self.job.now
        self.post(.checkpoint(number, isLast: isLast))
        Failpoint.checkpointTriggered.reach()
        for (subtask, snapshot) in self.finished { self.take(snapshot, of: subtask, checkpoint: number) }
    }

    private mutating func abandon(_ number: Int64, _ reason: CheckpointCoordinator.AbandonReason) {
        self.parts[number] = nil
        self.startedAt[number] = nil
        self.ledger.abandon(number)
        self.worker.settle(number, isStored: false)
        self.writer?.post(.remove(number))
        self.job.state.withLock { state in
            state.figures.abandonedCheckpoints += 1
            guard reason == .timeout else { return }
            let problem = "checkpoint \(number) wasn't complete in time (--checkpoint-timeout)"
            state.figures.checkpointProblem = problem
            state.checkpointProblem = problem
        }
    }

    private mutating func store(_ number: Int64) {
        guard let parts = self.parts[number] else { return }
        Failpoint.partsCollected.reach()
        let outputs = self.ledger.outputs(of: number)
        self.writer?.post(.store(self.draft(parts, outputs, number)))
    }

    /// A checkpoint was written, or can't be.
    mutating func noteStored(_ number: Int64, _ result: Result<CheckpointManifest, CheckpointError>) {
        let now = self.job.now
        switch result {
        case .success(let manifest):
            let bytes = manifest.ownBlobs.reduce(0) { $0 + $1.storedByteCount }
            let began = self.startedAt[number] ?? now
            self.job.state.withLock { state in
                state.checkpoint = (number, now - began, bytes, now)
                state.checkpointProblem = nil
                state.figures.completedCheckpoints += 1
            }
            self.perform(self.coordinator.step(.stored(number, now: now)))
        case .failure(let error):
            // The job goes on: the checkpoint before is still there, and the next one may succeed.
            self.job.state.withLock { state in
                state.figures.checkpointProblem = "checkpoint \(number): \(error)"
                state.checkpointProblem = state.figures.checkpointProblem
            }
            self.perform(self.coordinator.step(.storeFailed(number, now: now)))
        }
    }

    /// The checkpoint at the end of the input: there is no state any more, and what was written last counts.
    ///
    /// Behind a last checkpoint that somebody asked for nothing was read or written: that one stays the newest.
    mutating func writeEnd(_ outputs: [WrittenOutput]) throws(ConnectorError) {
        guard let store = self.job.options.store else { return }
        if self.isSuspended { return }
        let splits = self.job.state.withLock { $0.splits }
        let part = SubtaskSnapshot(content: .source(splits), outputs: [])
        let number = self.coordinator.takeNumber()
        let began = self.job.now
        do {
            try store.commit(self.draft([StreamSubtaskID(.source, 0): part], outputs, number).manifest)
        } catch {
            throw ConnectorError(.external, retry: .never, "\(error)")
        }
        let now = self.job.now
        self.job.state.withLock { state in
            state.checkpoint = (number, now - began, 0, now)
            state.figures.completedCheckpoints += 1
        }
        self.deliveries.start(outputs, checkpoint: number)
        try self.deliveries.finish()
        self.endNumber = number
    }

    /// Removes the checkpoints that the one at the end is enough for, and attempts of runs that were killed before this one's
    /// first; the thread that writes checkpoints has ended.
    mutating func removeSurplus() {
        guard let number = self.endNumber, let store = self.job.options.store else { return }
        for surplus in self.coordinator.ended(number) { store.remove(surplus) }
        store.removeLeftovers()
    }

    private func draft(
        _ parts: [StreamSubtaskID: SubtaskSnapshot],
        _ outputs: [WrittenOutput],
        _ number: Int64
    ) -> CheckpointDraft {
        var manifest = CheckpointManifest(
            number: number,
            job: self.job.stream.name,
            parallelism: self.job.stream.parallelism,
            createdAt: SystemWallClock().millisecondsSince1970,
            watermark: WatermarkTracker.none
        )
        manifest.isSavepoint = self.coordinator.isLast(number)
        manifest.operators = self.job.stream.operatorShapes
        manifest.deliveries = outputs.map {
            CheckpointManifest.Delivery(sink: $0.sink.rawValue, subtask: $0.subtask, token: $0.token)
        }
        let stream = self.job.stream
        var states: [(owner: StateOwner, snapshot: StageSnapshot)] = []
        let ordered = parts.sorted { left, right in
            (left.key.position(in: stream), left.key.index) < (right.key.position(in: stream), right.key.index)
        }
        let isUnaligned = ordered.contains { $0.value.overtaken != nil }
        for (subtask, part) in ordered {
            if isUnaligned { Self.note(part, of: subtask, in: stream, &manifest) }
            if let overtaken = part.overtaken {
                let position = subtask.position(in: stream)
                manifest.watermark = max(manifest.watermark, overtaken.watermark)
                states.append(Self.channels(overtaken, before: position - 1, subtask.index, number, stream))
            }
            switch part.content {
            case .source(let progress):
                manifest.splits += progress
            case .state(let snapshot):
                manifest.watermark = max(manifest.watermark, snapshot.watermark)
                guard let operatorID = stream.operatorID(of: subtask.position(in: stream) - 1) else { continue }
                states.append((StateOwner(operatorID: operatorID, subtask: subtask.index), snapshot))
            }
        }
        // Splits that were read to their end before a restart are no subtask's any more.
        let named = Set(manifest.splits.map(\.name))
        manifest.splits += self.recovery.splits.values
            .filter { $0.isFinished && !named.contains($0.name) }
            .sorted { $0.name < $1.name }
        return CheckpointDraft(manifest: manifest, states: states)
    }

    /// How far time is before the stage of a subtask: what it has taken, or what it takes with what was overtaken.
    private static func note(
        _ part: SubtaskSnapshot,
        of subtask: StreamSubtaskID,
        in stream: CompiledStream,
        _ manifest: inout CheckpointManifest
    ) {
        guard case .state(let snapshot) = part.content else { return }
        let watermark = max(snapshot.watermark, part.overtaken?.watermark ?? WatermarkTracker.none)
        let id = stream.channelsID(before: subtask.position(in: stream) - 1)
        manifest.stageWatermarks[id] = max(manifest.stageWatermarks[id] ?? WatermarkTracker.none, watermark)
    }

    /// What a checkpoint overtook on its way to a subtask, as a state of its own.
    private static func channels(
        _ overtaken: OvertakenElements,
        before stage: Int,
        _ subtask: Int,
        _ number: Int64,
        _ stream: CompiledStream
    ) -> (owner: StateOwner, snapshot: StageSnapshot) {
        let piece = StatePiece(
            name: "elements",
            id: PieceID(checkpoint: number, index: 0),
            keyCount: 0,
            content: overtaken.content
        )
        let owner = StateOwner(operatorID: stream.channelsID(before: stage), subtask: subtask)
        return (owner, StageSnapshot(pieces: [piece], keyCount: 0, watermark: overtaken.watermark))
    }

    private mutating func complete(_ number: Int64) {
        defer {
            self.parts[number] = nil
            self.startedAt[number] = nil
        }
        self.worker.settle(number, isStored: true)
        let outputs = self.ledger.outputs(of: number)
        self.ledger.complete(number)
        do throws(ConnectorError) {
            try self.commit(outputs)
        } catch {
            return self.job.fail(LocalJob.failure(of: error))
        }
        Failpoint.sinksCommitted.reach()
        self.deliveries.start(outputs, checkpoint: number)
        self.post(.completed(number))
    }
}
