internal import ConnectorKit
internal import Engine
internal import Platform
internal import Storage
internal import WorkerService

/// The sinks of a stream that deliver exactly once: their couriers, and how far each has come.
struct StreamDeliveries {
    /// The endpoints of the job, outboxes before the sinks that have one.
    private(set) var endpoints: StreamEndpoints

    /// Why it can't be run.
    private(set) var problem: ConnectorError?
    private let job: StreamJob
    private var couriers: [OutboxCourier] = []

    /// For each courier the checkpoint that it delivers now.
    private var underWay: [WrittenOutput.Sink: Int64] = [:]

    init(_ job: StreamJob) {
        self.job = job
        self.endpoints = job.endpoints
        do throws(ConnectorError) {
            let sink = try self.outbox(before: job.endpoints.sink, .output)
            let alerts = try self.outbox(before: job.endpoints.alerts, .alerts)
            var late: (any StreamSink)?
            if let base = job.endpoints.late { late = try self.outbox(before: base, .late) }
            var letters: (any StreamSink)?
            if let base = job.endpoints.deadLetters { letters = try self.outbox(before: base, .deadLetters) }
            var sides: [StreamEndpoints.Side] = []
            for side in job.endpoints.sides {
                let sink = try self.outbox(before: side.sink, .side(side.name))
                sides.append(StreamEndpoints.Side(name: side.name, sink: sink))
            }
            self.endpoints = StreamEndpoints(
                sources: job.endpoints.sources,
                sink: sink,
                alerts: alerts,
                late: late,
                deadLetters: letters,
                sides: sides,
                tables: job.endpoints.tables,
                spill: job.endpoints.spill,
                cold: job.endpoints.cold
            )
        } catch {
            self.problem = error
        }
    }

    private mutating func outbox(
        before sink: any StreamSink,
        _ name: WrittenOutput.Sink
    ) throws(ConnectorError) -> any StreamSink {
        guard let base = sink as? any ExactlyOnceSink, base.wantsExactlyOnce != false else { return sink }
        guard let store = self.job.options.store, let directory = self.job.options.stateDirectory else {
            guard base.wantsExactlyOnce == true else { return sink }
            let message =
                "\(base.summary) can't be written exactly once without checkpoints: say where with --state DIR"
            throw ConnectorError(.user, retry: .never, message)
        }
        let lineage: String
        do {
            lineage = try store.lineage { String(SystemEntropy().next(), radix: 36) }
        } catch {
            throw ConnectorError(.external, retry: .never, "\(error)")
        }
        let id = "weir-\(self.job.stream.name)-\(name.rawValue)-\(lineage)"
        let outbox = "\(directory)/outbox-\(name.rawValue)"
        let delivery = try base.makeDelivery(DeliveryIdentity(transactionalID: id, markerGroup: id))
        self.couriers.append(OutboxCourier(sink: name, delivery: delivery, disk: LocalDisk(), directory: outbox))
        return OutboxSink(base, disk: LocalDisk(), directory: outbox)
    }

    /// Fences earlier runs, and delivers what the checkpoint holds that the job goes on from.
    ///
    /// - Returns: The newest checkpoint that was ever delivered.
    func open(from manifest: CheckpointManifest?) throws(ConnectorError) -> Int64 {
        var newest: Int64 = 0
        for courier in self.couriers {
            let marker = try courier.open()
            let recorded = try self.recorded(courier.sink)
            newest = max(newest, marker ?? 0, recorded ?? 0)
            let number = manifest?.number ?? 0
            if !self.job.options.allowsDuplicates { try Self.check(marker, recorded, against: number) }
            guard let manifest else { continue }
            let tokens = manifest.deliveries.filter { $0.sink == courier.sink.rawValue }.map(\.token)
            guard !tokens.isEmpty, marker ?? 0 < number else { continue }
            let known = self.job.options.allowsDuplicates ? nil : recorded
            try courier.deliver(tokens, checkpoint: number, recorded: known)
            try self.record(number, courier.sink)
        }
        return newest
    }

    private static func check(_ marker: Int64?, _ recorded: Int64?, against number: Int64) throws(ConnectorError) {
        if let delivered = [marker, recorded].compactMap(\.self).max(), delivered > number {
            let place = number == 0 ? "the beginning" : "checkpoint \(number)"
            throw ConnectorError(
                .user,
                retry: .never,
                "can't go on from \(place): the output of checkpoint \(delivered) is delivered already and would come "
                    + "again; restore that checkpoint, or say --allow-duplicates"
            )
        }
        if let recorded, marker == nil {
            throw ConnectorError(
                .external,
                retry: .never,
                "checkpoint \(recorded) was delivered, and the output topic's marker of it is gone: brokers forget the offsets "
                    + "of idle groups, or it is another cluster; --allow-duplicates goes on without it"
            )
        }
    }

    private func recorded(_ sink: WrittenOutput.Sink) throws(ConnectorError) -> Int64? {
        do {
            return try self.job.options.store?.deliveredCheckpoint(of: sink.rawValue)
        } catch {
            throw ConnectorError(.external, retry: .never, "\(error)")
        }
    }

    private func record(_ number: Int64, _ sink: WrittenOutput.Sink) throws(ConnectorError) {
        do {
            try self.job.options.store?.recordDelivery(of: number, to: sink.rawValue)
            Failpoint.deliveryRecorded.reach()
        } catch {
            throw ConnectorError(.external, retry: .never, "\(error)")
        }
    }

    /// Whether anything isn't delivered yet.
    var areBusy: Bool { !self.underWay.isEmpty }

    /// Begins to deliver what a checkpoint holds.
    mutating func start(_ outputs: [WrittenOutput], checkpoint: Int64) {
        for courier in self.couriers {
            let tokens = outputs.filter { $0.sink == courier.sink }.map(\.token)
            guard !tokens.isEmpty else { continue }
            self.underWay[courier.sink] = checkpoint
            let job = self.job
            let recorded = self.job.options.allowsDuplicates ? nil : try? self.recorded(courier.sink)
            courier.start(tokens, checkpoint: checkpoint, recorded: recorded ?? nil) { job.doorbell.ring() }
        }
    }

    /// Records what was delivered meanwhile.
    ///
    /// - Throws: Something couldn't be delivered.
    mutating func check() throws(ConnectorError) {
        for courier in self.couriers {
            guard let number = self.underWay[courier.sink], !courier.isBusy else { continue }
            if let failure = courier.failure { throw failure }
            try self.record(number, courier.sink)
            self.underWay[courier.sink] = nil
        }
    }

    /// Waits until everything is delivered.
    mutating func finish() throws(ConnectorError) {
        for courier in self.couriers { courier.wait() }
        try self.check()
    }

    func close() {
        for courier in self.couriers { courier.close() }
    }
}
