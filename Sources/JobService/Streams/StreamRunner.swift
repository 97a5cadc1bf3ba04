internal import ConnectorKit
internal import CoordinationCore
internal import CoreTypes
internal import Engine
internal import Platform
internal import Storage
internal import Synchronization
internal import WorkerService

/// The thread of a stream: starts its subtasks, tells them the time, and sees its checkpoints through.
struct StreamRunner {
    let job: StreamJob
    private let worker: StreamWorker
    private var coordinator: CheckpointCoordinator
    private var parts: [Int64: [StreamSubtaskID: SubtaskSnapshot]] = [:]
    private var startedAt: [Int64: Int64] = [:]

    /// Where the reading subtasks ended that have read everything.
    private var finished: [StreamSubtaskID: SubtaskSnapshot] = [:]
    private var splitCount = 0
    private var knownSplits: Set<String> = []
    private var stopPhase = StopPhase.running
    private var idleSince: Int64?
    private var idleRecords: Int64 = -1
    private var discoveredAt: Int64 = 0
    private let recovery: StreamRecovery
    private var deliveries: StreamDeliveries

    private enum StopPhase {
        case running
        /// Waiting for the last checkpoint.
        case lastCheckpoint(Int64?)
        case stopping
    }

    /// Milliseconds between two ticks, and between two looks for new splits.
    private static let tickMilliseconds: Int64 = 100
    private static let discoveryMilliseconds: Int64 = 30_000

    /// Splits of about this size let all threads work on one file.
    private static let splitBytes: Int64 = 16 << 20

    init(job: StreamJob) {
        self.job = job
        self.recovery = StreamRecovery.find(job)
        self.deliveries = StreamDeliveries(job)
        self.worker = StreamWorker(
            stream: job.stream,
            endpoints: self.deliveries.endpoints,
            begin: self.recovery.start,
            counters: job.counters,
            report: job
        )
        self.coordinator = CheckpointCoordinator(
            configuration: job.options.checkpoints,
            subtaskCount: 2 * job.stream.parallelism,
            retained: self.recovery.retained,
            lastNumber: self.recovery.lastNumber
        )
        job.state.withLock { state in
            state.worker = self.worker
            state.figures.checkpointProblem = self.recovery.note
        }
    }

    mutating func run() {
        do throws(ConnectorError) {
            if let problem = self.recovery.problem ?? self.deliveries.problem { throw problem }
            try self.prepare()
            let newest = try self.deliveries.open(from: self.recovery.manifest)
            self.coordinator.skipNumbers(through: newest)
            let splits = try self.findSplits()
            do {
                try self.worker.start()
            } catch {
                throw ConnectorError(.external, retry: .never, "\(error)")
            }
            self.job.state.withLock { $0.phase = .running }
            self.assign(splits)
        } catch {
            self.job.state.withLock { state in
                state.failure = LocalJob.failure(of: error)
                state.phase = .failed
            }
            return
        }
        self.loop()
        self.worker.join()
        self.end()
    }

    // MARK: Start

    private func prepare() throws(ConnectorError) {
        for (name, sink) in self.sinks {
            if let manifest = self.recovery.manifest {
                let tokens = manifest.deliveries.filter { $0.sink == name.rawValue }.map(\.token)
                if let newest = try sink.newestEpoch(besides: tokens), newest > manifest.number {
                    try self.refuseRepetition(of: newest, from: manifest.number)
                }
                try sink.resumeStream(keeping: tokens)
                try sink.commitEpoch(tokens)
            } else {
                try sink.prepareStream()
            }
        }
    }

    /// Output of a later checkpoint would come again.
    private func refuseRepetition(of newest: Int64, from number: Int64) throws(ConnectorError) {
        guard !self.job.options.allowsDuplicates else { return }
        let what = newest == .max ? "the output of the end" : "the output of checkpoint \(newest)"
        throw ConnectorError(
            .user,
            retry: .never,
            "can't go on from checkpoint \(number): \(what) is there already and would come again; restore that checkpoint, "
                + "or say --allow-duplicates\(self.recovery.note.map { " (\($0))" } ?? "")"
        )
    }

    private var sinks: [(name: WrittenOutput.Sink, sink: any StreamSink)] {
        let endpoints = self.deliveries.endpoints
        var sinks: [(WrittenOutput.Sink, any StreamSink)] = [(.output, endpoints.sink), (.alerts, endpoints.alerts)]
        if let late = endpoints.late { sinks.append((.late, late)) }
        if let letters = endpoints.deadLetters { sinks.append((.deadLetters, letters)) }
        return sinks
    }

    private func findSplits() throws(ConnectorError) -> [AssignedSplit] {
        if let source = self.job.endpoints.source as? any StreamSource {
            let isNew = self.recovery.manifest == nil
            let found = try isNew ? source.discoverSplits() : source.discoverLaterSplits()
            return found.map { self.assigned($0.name, position: $0.position, split: nil) }
        }
        let splits = try self.job.endpoints.source.enumerateSplits(
            framing: self.job.stream.framing,
            targetBytes: Self.splitBytes
        )
        return splits.map { split in
            self.assigned("\(split.resource)@\(split.start)", position: split.start, split: split)
        }
        .filter { $0.split == nil || !self.recovery.isFinished($0.name) }
    }

    /// Where a split goes on, or begins.
    private func assigned(_ name: String, position: Int64, split: Split?) -> AssignedSplit {
        let known = self.recovery.splits[name]
        return AssignedSplit(
            name: name,
            position: known?.position ?? position,
            latest: known?.latest ?? WatermarkTracker.none,
            split: split
        )
    }

    private var hasAssigned = false

    /// Deals splits to the reading subtasks in turn.
    private mutating func assign(_ splits: [AssignedSplit]) {
        let parallelism = self.job.stream.parallelism
        var shares = Array(repeating: [AssignedSplit](), count: parallelism)
        for split in splits where self.knownSplits.insert(split.name).inserted {
            shares[self.splitCount % parallelism].append(split)
            self.splitCount += 1
        }
        let isBounded = !(self.job.endpoints.source is any StreamSource)
        for (subtask, share) in shares.enumerated() {
            // Also of none: a subtask must know that it has nothing to read.
            if !share.isEmpty || !self.hasAssigned { self.worker.post(.add(share), to: subtask) }
            if isBounded { self.worker.post(.noMoreSplits, to: subtask) }
        }
        self.hasAssigned = true
    }

    // MARK: Running

    private mutating func loop() {
        let subtaskCount = 2 * self.job.stream.parallelism
        var tickedAt: Int64 = 0
        while self.job.state.withLock({ $0.ended < subtaskCount }) {
            self.takeEvents()
            let now = self.job.now
            if now - tickedAt >= Self.tickMilliseconds {
                tickedAt = now
                self.tick(now)
            }
            self.job.doorbell.wait(milliseconds: Self.tickMilliseconds)
        }
        self.takeEvents()
    }

    private mutating func tick(_ now: Int64) {
        self.post(.tick(now))
        self.discover(now)
        do throws(ConnectorError) {
            try self.deliveries.check()
        } catch {
            self.job.fail(LocalJob.failure(of: error))
        }
        let isFailing = self.job.state.withLock { $0.failure != nil }
        // A checkpoint begins when the one before it is delivered: at most one isn't.
        guard !isFailing, !self.deliveries.areBusy else { return }
        self.stopIfAsked(now)
        guard self.job.options.store != nil, case .running = self.stopPhase else { return }
        self.perform(self.coordinator.step(.tick(now: now)))
    }

    private mutating func discover(_ now: Int64) {
        guard now - self.discoveredAt >= Self.discoveryMilliseconds else { return }
        self.discoveredAt = now
        guard let source = self.job.endpoints.source as? any StreamSource else { return }
        // A source that can't be asked now is asked again; its readers tell what is wrong with it.
        guard let found = try? source.discoverLaterSplits() else { return }
        self.assign(found.map { self.assigned($0.name, position: $0.position, split: nil) })
    }

    private func post(_ message: StreamMessageToSource) {
        for subtask in 0..<self.job.stream.parallelism { self.worker.post(message, to: subtask) }
    }

    private mutating func takeEvents() {
        let events = self.job.state.withLock { state in
            defer { state.events = [] }
            return state.events
        }
        for event in events {
            switch event {
            case .snapshot(let snapshot, let subtask, let number): self.take(snapshot, of: subtask, checkpoint: number)
            case .finished(let snapshot, let subtask):
                self.finished[subtask] = snapshot
                guard let number = self.coordinator.pendingNumber, self.parts[number]?[subtask] == nil else { continue }
                self.take(snapshot, of: subtask, checkpoint: number)
            }
        }
    }

    private mutating func take(_ snapshot: SubtaskSnapshot, of subtask: StreamSubtaskID, checkpoint number: Int64) {
        self.parts[number, default: [:]][subtask] = snapshot
        let index = subtask.stage == .source ? subtask.index : self.job.stream.parallelism + subtask.index
        self.perform(self.coordinator.step(.acknowledged(number, subtask: index)))
    }

    private mutating func perform(_ effects: [CheckpointCoordinator.Effect]) {
        for effect in effects {
            switch effect {
            case .trigger(let number):
                self.startedAt[number] = self.job.now
                var isLast = false
                if case .lastCheckpoint = self.stopPhase { isLast = true }
                self.post(.checkpoint(number, isLast: isLast))
                for (subtask, snapshot) in self.finished { self.take(snapshot, of: subtask, checkpoint: number) }
            case .store(let number): self.store(number)
            case .complete(let number): self.complete(number)
            case .abandon(let number, let reason):
                self.parts[number] = nil
                self.startedAt[number] = nil
                self.job.options.store?.remove(number)
                self.job.state.withLock { state in
                    state.figures.abandonedCheckpoints += 1
                    if reason == .timeout {
                        state.figures.checkpointProblem =
                            "checkpoint \(number) wasn't complete in time (--checkpoint-timeout)"
                    }
                }
            case .remove(let number): self.job.options.store?.remove(number)
            }
        }
    }

    private mutating func store(_ number: Int64) {
        guard let store = self.job.options.store, let parts = self.parts[number] else { return }
        do {
            let manifest = try self.write(parts, number, to: store)
            try store.commit(manifest)
            let bytes = manifest.blobs.reduce(0) { $0 + $1.storedByteCount }
            let now = self.job.now
            let began = self.startedAt[number] ?? now
            self.job.state.withLock { state in
                state.checkpoint = (number, now - began, bytes, now)
                state.figures.completedCheckpoints += 1
            }
            self.perform(self.coordinator.step(.stored(number, now: now)))
        } catch {
            // The job goes on: the checkpoint before is still there, and the next one may succeed.
            self.job.state.withLock { $0.figures.checkpointProblem = "checkpoint \(number): \(error)" }
            self.perform(self.coordinator.step(.storeFailed(number, now: self.job.now)))
        }
    }

    /// The checkpoint at the end of the input: there is no state any more, and what was written last counts.
    ///
    /// Behind a last checkpoint that somebody asked for nothing was read or written: that one stays the newest.
    private mutating func writeEnd(_ outputs: [WrittenOutput]) throws(ConnectorError) {
        guard let store = self.job.options.store else { return }
        if self.isSuspended { return }
        let splits = self.job.state.withLock { $0.splits }
        let part = SubtaskSnapshot(content: .source(splits), outputs: outputs)
        let number = self.coordinator.takeNumber()
        do {
            try store.commit(try self.write([StreamSubtaskID(.source, 0): part], number, to: store))
        } catch {
            throw ConnectorError(.external, retry: .never, "\(error)")
        }
        self.deliveries.start(outputs, checkpoint: number)
        try self.deliveries.finish()
    }

    private func write(
        _ parts: [StreamSubtaskID: SubtaskSnapshot],
        _ number: Int64,
        to store: any CheckpointStore
    ) throws(CheckpointError) -> CheckpointManifest {
        var manifest = CheckpointManifest(
            number: number,
            job: self.job.stream.name,
            parallelism: self.job.stream.parallelism,
            createdAt: SystemWallClock().millisecondsSince1970,
            watermark: WatermarkTracker.none
        )
        if case .lastCheckpoint = self.stopPhase { manifest.isSavepoint = true }
        manifest.operators = self.job.stream.operatorShapes
        for (subtask, part) in parts.sorted(by: { $0.key.index < $1.key.index }) {
            for output in part.outputs {
                manifest.deliveries.append(
                    CheckpointManifest.Delivery(
                        sink: output.sink.rawValue,
                        subtask: subtask.index,
                        token: output.token
                    )
                )
            }
            switch part.content {
            case .source(let progress):
                manifest.splits += progress.map { split in
                    CheckpointManifest.SplitState(
                        name: split.name,
                        position: split.position,
                        latest: split.latest,
                        isFinished: split.isFinished
                    )
                }
            case .windows(let state, let keyCount, let watermark):
                manifest.watermark = max(manifest.watermark, watermark)
                manifest.blobs.append(
                    try store.writeBlob(
                        state,
                        operatorID: CompiledStream.windowOperatorID,
                        subtask: subtask.index,
                        checkpoint: number,
                        keyCount: keyCount
                    )
                )
            }
        }
        // Splits that were read to their end before a restart are no subtask's any more.
        let named = Set(manifest.splits.map(\.name))
        manifest.splits += self.recovery.splits.values
            .filter { $0.isFinished && !named.contains($0.name) }
            .sorted { $0.name < $1.name }
        return manifest
    }

    private mutating func complete(_ number: Int64) {
        defer {
            self.parts[number] = nil
            self.startedAt[number] = nil
        }
        let outputs = self.parts[number]?.sorted { $0.key.index < $1.key.index }.flatMap(\.value.outputs) ?? []
        do throws(ConnectorError) {
            try self.commit(outputs)
        } catch {
            return self.job.fail(LocalJob.failure(of: error))
        }
        self.deliveries.start(outputs, checkpoint: number)
        self.post(.completed(number))
        if case .lastCheckpoint(let awaited) = self.stopPhase, awaited == number { self.stop() }
    }

    private func commit(_ outputs: [WrittenOutput]) throws(ConnectorError) {
        for (name, sink) in self.sinks {
            let tokens = outputs.filter { $0.sink == name }.map(\.token)
            if !tokens.isEmpty { try sink.commitEpoch(tokens) }
        }
    }

    // MARK: Stop

    private mutating func stopIfAsked(_ now: Int64) {
        switch self.stopPhase {
        case .running:
            let isAsked = self.job.state.withLock { $0.isStopping } || self.isIdle(now)
            guard isAsked else { return }
            guard self.job.options.store != nil, !self.job.options.drains else { return self.stop() }
            self.stopPhase = .lastCheckpoint(nil)
            self.requestLastCheckpoint(now)
        case .lastCheckpoint(nil): self.requestLastCheckpoint(now)
        case .lastCheckpoint(let number?):
            // One that was given up is taken again.
            self.perform(self.coordinator.step(.tick(now: now)))
            if self.coordinator.pendingNumber != number, self.coordinator.newest != number {
                self.requestLastCheckpoint(now)
            }
        case .stopping: return
        }
    }

    /// One that is under way is waited for: what comes behind it belongs to the last.
    private mutating func requestLastCheckpoint(_ now: Int64) {
        guard self.coordinator.pendingNumber == nil else { return }
        self.perform(self.coordinator.step(.requested(now: now)))
        self.stopPhase = .lastCheckpoint(self.coordinator.pendingNumber)
    }

    private mutating func stop() {
        self.stopPhase = .stopping
        self.job.state.withLock { $0.isCancelled = !self.job.options.drains && self.job.options.store == nil }
        self.post(.stop(fires: self.job.options.drains))
    }

    /// Whether it stopped with a last checkpoint, from which it may go on.
    private var isSuspended: Bool {
        guard case .stopping = self.stopPhase else { return false }
        return self.job.options.store != nil && !self.job.options.drains
    }

    private mutating func isIdle(_ now: Int64) -> Bool {
        guard let limit = self.job.options.untilIdle else { return false }
        let records = self.job.counters.inputRecords
        if records != self.idleRecords {
            self.idleRecords = records
            self.idleSince = now
        }
        return self.idleSince.map { now - $0 >= limit } ?? false
    }

    /// Everything has stopped: what was written behind the last checkpoint is committed where that is right.
    private mutating func end() {
        let (failure, outputs, isCancelled) = self.job.state.withLock { ($0.failure, $0.outputs, $0.isCancelled) }
        if failure != nil {
            for (_, sink) in self.sinks { sink.abortStream() }
            return self.job.state.withLock { $0.phase = .failed }
        }
        do throws(ConnectorError) {
            try self.deliveries.finish()
            try self.writeEnd(outputs)
            try self.commit(outputs)
            self.deliveries.close()
            for (_, sink) in self.sinks {
                if self.isSuspended { sink.abortStream() } else { try sink.endStream() }
            }
        } catch {
            for (_, sink) in self.sinks { sink.abortStream() }
            return self.job.state.withLock { state in
                state.failure = LocalJob.failure(of: error)
                state.phase = .failed
            }
        }
        let isAsked = self.job.state.withLock { $0.isStopping }
        self.job.state.withLock { $0.phase = isCancelled && isAsked ? .cancelled : .finished }
    }
}
