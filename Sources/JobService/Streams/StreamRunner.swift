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
    let worker: StreamWorker

    /// Nil where no checkpoints are taken.
    let writer: CheckpointWriter?
    var coordinator: CheckpointCoordinator
    var ledger = EpochLedger<WrittenOutput>()
    var parts: [Int64: [StreamSubtaskID: SubtaskSnapshot]] = [:]
    var startedAt: [Int64: Int64] = [:]

    /// What the subtasks that have ended are in every checkpoint from then on.
    var finished: [StreamSubtaskID: SubtaskSnapshot] = [:]
    private var splitCount = 0
    private var knownSplits: Set<String> = []
    private var hasAssigned = false
    private var silence: SilenceWatch?
    private var isStopRequested = false
    private var hasStopped = false
    private var discoveredAt: Int64 = 0
    private var statusAt: Int64 = 0
    let recovery: StreamRecovery

    /// The checkpoint at the end of the input, once what belongs to it was delivered.
    var endNumber: Int64?
    var deliveries: StreamDeliveries

    /// Milliseconds between two ticks, and between two looks for new splits.
    private static let tickMilliseconds: Int64 = 100
    private static let discoveryMilliseconds: Int64 = 30_000

    /// Milliseconds between two writings of the figures that `weir why` reads.
    private static let statusMilliseconds: Int64 = 1_000

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
        self.writer = job.options.store.map { CheckpointWriter($0) }
        self.coordinator = CheckpointCoordinator(
            configuration: job.options.checkpoints,
            subtaskCount: (1 + job.stream.stageCount) * job.stream.parallelism,
            retained: self.recovery.retained,
            lastNumber: self.recovery.lastNumber
        )
        self.silence = job.options.untilIdle.map { SilenceWatch(limit: $0) }
        job.state.withLock { state in
            state.worker = self.worker
            state.figures.note = self.recovery.note
        }
    }

    mutating func run() {
        do throws(ConnectorError) {
            if let problem = self.recovery.problem ?? self.deliveries.problem { throw problem }
            try self.prepare()
            Failpoint.sinksResumed.reach()
            let newest = try self.deliveries.open(from: self.recovery.manifest)
            self.coordinator.skipNumbers(through: newest)
            let splits = try self.findSplits()
            try self.startThreads(try self.job.endpoints.readTables(bytesLimit: self.job.stream.tableBytesLimit))
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
        self.writer?.close()
        self.end()
        self.job.writeStatus()
    }

    // MARK: Start

    private func startThreads(_ tables: [LookupTable]) throws(ConnectorError) {
        let job = self.job
        let base = self.recovery.start.state?.base
        do {
            try self.writer?.start(base: base) { number, result in
                job.state.withLock { $0.events.append(.stored(number, result)) }
                job.doorbell.ring()
            }
            try self.worker.start(tables)
        } catch {
            self.writer?.close()
            throw ConnectorError(.external, retry: .never, "\(error)")
        }
    }

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

    var sinks: [(name: WrittenOutput.Sink, sink: any StreamSink)] {
        let endpoints = self.deliveries.endpoints
        var sinks: [(WrittenOutput.Sink, any StreamSink)] = [(.output, endpoints.sink), (.alerts, endpoints.alerts)]
        if let late = endpoints.late { sinks.append((.late, late)) }
        if let letters = endpoints.deadLetters { sinks.append((.deadLetters, letters)) }
        for side in endpoints.sides { sinks.append((.side(side.name), side.sink)) }
        return sinks
    }

    private func findSplits() throws(ConnectorError) -> [AssignedSplit] {
        let found = try self.job.endpoints.sources.findSplits(
            framing: self.job.stream.framing,
            known: Set(self.recovery.splits.keys)
        )
        return found.filter { $0.split == nil || !self.recovery.isFinished($0.name) }.map { self.assigned($0) }
    }

    /// Where a split goes on, or begins.
    private func assigned(_ split: FoundSplit) -> AssignedSplit {
        let known = self.recovery.splits[split.name]
        return AssignedSplit(
            split,
            position: known?.position ?? split.position,
            latest: known?.latest ?? WatermarkTracker.none
        )
    }

    /// Deals splits to the reading subtasks in turn.
    private mutating func assign(_ splits: [AssignedSplit]) {
        let parallelism = self.job.stream.parallelism
        var shares = Array(repeating: [AssignedSplit](), count: parallelism)
        for split in splits where self.knownSplits.insert(split.name).inserted {
            shares[self.splitCount % parallelism].append(split)
            self.splitCount += 1
        }
        let isBounded = self.job.endpoints.sources.areBounded
        for (subtask, share) in shares.enumerated() {
            // Also of none: a subtask must know that it has nothing to read.
            if !share.isEmpty || !self.hasAssigned { self.worker.post(.add(share), to: subtask) }
            if isBounded { self.worker.post(.noMoreSplits, to: subtask) }
        }
        self.hasAssigned = true
    }

    // MARK: Running

    private mutating func loop() {
        let subtaskCount = (1 + self.job.stream.stageCount) * self.job.stream.parallelism
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
        // One that is being written counts.
        self.writer?.waitUntilIdle()
        self.takeEvents()
    }

    private mutating func tick(_ now: Int64) {
        self.post(.tick(now))
        self.discover(now)
        self.show(now)
        do throws(ConnectorError) {
            try self.deliveries.check()
        } catch {
            self.job.fail(LocalJob.failure(of: error))
        }
        let isFailing = self.job.state.withLock { $0.failure != nil }
        // A checkpoint begins when the one before it is delivered: at most one isn't.
        guard !isFailing, !self.deliveries.areBusy else { return }
        if !self.isStopRequested, self.isStopDue(now) { self.requestStop(now) }
        if self.job.options.store != nil { self.perform(self.coordinator.step(.tick(now: now))) }
    }

    /// Keeps what is told of the stream up to date.
    private mutating func show(_ now: Int64) {
        self.job.sample()
        let isBusy = self.deliveries.areBusy
        self.job.state.withLock { state in
            if isBusy != (state.deliveringSince != nil) { state.deliveringSince = isBusy ? now : nil }
        }
        guard now - self.statusAt >= Self.statusMilliseconds else { return }
        self.statusAt = now
        self.job.writeStatus()
    }

    private mutating func discover(_ now: Int64) {
        guard now - self.discoveredAt >= Self.discoveryMilliseconds else { return }
        self.discoveredAt = now
        guard !self.job.endpoints.sources.areBounded else { return }
        do throws(ConnectorError) {
            self.assign(try self.job.endpoints.sources.findLaterSplits().map { self.assigned($0) })
        } catch {
            self.job.fail(LocalJob.failure(of: error))
        }
    }

    func post(_ message: StreamMessageToSource) {
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
            case .stored(let number, let result): self.noteStored(number, result)
            case .finished(let snapshot, let subtask):
                self.finished[subtask] = SubtaskSnapshot(content: snapshot.content, outputs: [])
                guard let number = self.coordinator.pendingNumber, self.parts[number]?[subtask] == nil else {
                    // What it wrote behind its part of that one belongs to the next.
                    self.ledger.add(snapshot.outputs, of: self.coordinator.upcomingNumber)
                    continue
                }
                self.take(snapshot, of: subtask, checkpoint: number)
            }
        }
    }

    // MARK: Stop

    private mutating func isStopDue(_ now: Int64) -> Bool {
        if self.job.state.withLock({ $0.isStopping }) { return true }
        let counters = self.job.counters
        let verdict = self.silence?.verdict(
            count: counters.inputRecords,
            advance: counters.advance(ofSplits: self.splitCount),
            isHindered: counters.warning != nil,
            now: now
        )
        switch verdict {
        case nil, .ongoing: return false
        case .silent: return true
        case .unanswered:
            self.job.fail(LocalJob.failure(of: self.unansweredError))
            return false
        }
    }

    private var unansweredError: ConnectorError {
        let seconds = SilenceWatch.answerLimit / 1_000
        let reason = self.job.counters.warning.map { " (\($0))" } ?? ""
        let message =
            "can't tell whether anything is left to read, which --until-idle asks for: the source gave no answer for "
            + "\(seconds) s\(reason); see that it can be reached and run the job again"
        return ConnectorError(.external, retry: .never, message)
    }

    /// Behind a last checkpoint where there is a place for one and no window is to be fired.
    private mutating func requestStop(_ now: Int64) {
        self.isStopRequested = true
        if self.isSuspending {
            self.perform(self.coordinator.step(.stopRequested(now: now)))
        } else {
            self.stop()
        }
    }

    mutating func stop() {
        self.hasStopped = true
        self.job.state.withLock { $0.isCancelled = !self.job.options.drains && self.job.options.store == nil }
        self.post(.stop(fires: self.job.options.drains))
    }

    /// Whether a stop leaves a checkpoint from which the stream may go on.
    private var isSuspending: Bool { self.job.options.store != nil && !self.job.options.drains }

    /// Whether it has stopped so.
    var isSuspended: Bool { self.hasStopped && self.isSuspending }

    func commit(_ outputs: [WrittenOutput]) throws(ConnectorError) {
        for (name, sink) in self.sinks {
            let tokens = outputs.filter { $0.sink == name }.map(\.token)
            if !tokens.isEmpty { try sink.commitEpoch(tokens) }
        }
    }

    /// Everything has stopped: what was written behind the last checkpoint is committed where that is right.
    private mutating func end() {
        let (failure, isCancelled) = self.job.state.withLock { ($0.failure, $0.isCancelled && $0.isStopping) }
        let outputs = self.ledger.remainder
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
                // One that was stopped isn't complete, though what was written stays.
                if self.isSuspended || isCancelled { sink.abortStream() } else { try sink.endStream() }
            }
            self.removeSurplus()
        } catch {
            for (_, sink) in self.sinks { sink.abortStream() }
            return self.job.state.withLock { state in
                state.failure = LocalJob.failure(of: error)
                state.phase = .failed
            }
        }
        self.job.state.withLock { $0.phase = isCancelled ? .cancelled : .finished }
    }
}
