internal import ConnectorKit
internal import Environment
internal import Platform
internal import Storage
internal import Synchronization
internal import WorkerService

/// A sink that keeps what it is given in files until the checkpoint exists that it belongs to: what is delivered then is
/// delivered exactly once.
///
/// Files lie in `outbox/` of the stream's state directory, one for each subtask and epoch that wrote anything.
final class OutboxSink: StreamSink {
    private let base: any ExactlyOnceSink
    private let disk: any Disk
    private let directory: String

    init(_ base: any ExactlyOnceSink, disk: any Disk, directory: String) {
        self.base = base
        self.disk = disk
        self.directory = directory
    }

    var summary: String { self.base.summary }

    var recordForm: OutputForm { self.base.recordForm }

    func prepareStream() throws(ConnectorError) {
        try self.base.prepareStream()
        try self.clean(keeping: [])
    }

    func resumeStream(keeping tokens: [String]) throws(ConnectorError) {
        try self.base.resumeStream(keeping: tokens)
        try self.clean(keeping: Set(tokens))
    }

    /// Removes what earlier runs left that no checkpoint counts as written.
    private func clean(keeping tokens: Set<String>) throws(ConnectorError) {
        do {
            try self.disk.createDirectory(self.directory)
            for name in try self.disk.list(self.directory) where !tokens.contains(name) {
                try self.disk.remove("\(self.directory)/\(name)")
            }
        } catch {
            throw ConnectorError(.external, retry: .never, "\(error)")
        }
    }

    func makeStreamWriter(
        subtask: Int,
        content: SinkContent,
        wake: @escaping @Sendable () -> Void
    ) throws(ConnectorError) -> any StreamWriter {
        OutboxWriter(disk: self.disk, directory: self.directory, subtask: subtask)
    }
}

/// Writes the records of one subtask to files.
final class OutboxWriter: StreamWriter {
    private let disk: any Disk
    private let directory: String
    private let subtask: Int
    private var file: RecordFileWriter?
    private var draftCount = 0

    init(disk: any Disk, directory: String, subtask: Int) {
        self.disk = disk
        self.directory = directory
        self.subtask = subtask
    }

    private var draft: String { "\(self.directory)/draft-\(self.subtask)-\(self.draftCount)" }

    func write(_ records: OutputBlock, from first: Int) throws(ConnectorError) -> Int {
        do throws(CheckpointError) {
            let file = try self.openFile()
            try file.append(records, from: first)
        } catch {
            throw Self.failure(error)
        }
        return records.count - first
    }

    private func openFile() throws(CheckpointError) -> RecordFileWriter {
        if let file = self.file { return file }
        let file = try RecordFileWriter(path: self.draft, on: self.disk)
        self.file = file
        return file
    }

    func flush() throws(ConnectorError) -> Bool { true }

    func endEpoch(_ checkpoint: Int64) throws(ConnectorError) -> [String] {
        guard let file = self.file else { return [] }
        let name = "\(checkpoint)-\(self.subtask)"
        do {
            Failpoint.outboxWritten.reach()
            try file.finish()
            try self.disk.rename(self.draft, to: "\(self.directory)/\(name)")
            try self.disk.synchronizeDirectory(self.directory)
            Failpoint.outboxSynced.reach()
        } catch let error as CheckpointError {
            throw Self.failure(error)
        } catch {
            throw ConnectorError(.external, retry: .never, "\(error)")
        }
        self.file = nil
        self.draftCount += 1
        return [name]
    }

    private static func failure(_ error: CheckpointError) -> ConnectorError {
        ConnectorError(.external, retry: .never, "\(error)")
    }

    func close() { self.file = nil }
}

/// Delivers what checkpoints hold, one after the other, on a thread of its own: it waits for the outside system.
///
/// Isolation: one thread asks and starts deliveries; they run on another.
final class OutboxCourier: Sendable {
    struct State {
        var isBusy = false
        var failure: ConnectorError?
    }

    /// One sink of the job, and who delivers for it.
    // SAFETY: used by the thread that delivers alone, and before it starts by the one that makes it.
    private struct Route: @unchecked Sendable {
        let delivery: any StreamDelivery
    }

    let sink: WrittenOutput.Sink
    private let route: Route
    private let disk: any Disk
    private let directory: String
    private let state = Mutex(State())
    private let threads = Mutex<PinnedThreads?>(nil)

    init(sink: WrittenOutput.Sink, delivery: any StreamDelivery, disk: any Disk, directory: String) {
        self.sink = sink
        self.route = Route(delivery: delivery)
        self.disk = disk
        self.directory = directory
    }

    var isBusy: Bool { self.state.withLock { $0.isBusy } }

    var failure: ConnectorError? { self.state.withLock { $0.failure } }

    /// Fences whoever delivered before, and answers the checkpoint delivered last.
    func open() throws(ConnectorError) -> Int64? {
        Failpoint.fenceBegun.reach()
        let marker = try self.route.delivery.open()
        Failpoint.markerRead.reach()
        return marker
    }

    /// Delivers a checkpoint's files now, and removes them.
    func deliver(_ tokens: [String], checkpoint: Int64, recorded: Int64?) throws(ConnectorError) {
        let block = OutputBlock()
        var rest = tokens
        var reader: RecordFileReader?
        let outcome = try self.route.delivery.deliver(checkpoint: checkpoint, recorded: recorded) {
            () throws(ConnectorError) -> OutputBlock? in
            // The transaction is open when records are asked for.
            Failpoint.transactionBegun.reach()
            do throws(CheckpointError) {
                while true {
                    try reader?.read(into: block)
                    if reader != nil, block.count > 0 { return block }
                    guard !rest.isEmpty else {
                        Failpoint.recordsWritten.reach()
                        return nil
                    }
                    reader = try RecordFileReader(path: "\(self.directory)/\(rest.removeFirst())", on: self.disk)
                }
            } catch {
                throw ConnectorError(.external, retry: .never, "\(error)")
            }
        }
        try Self.check(outcome, checkpoint: checkpoint)
        Failpoint.transactionCommitted.reach()
        for token in tokens { try? self.disk.remove("\(self.directory)/\(token)") }
    }

    private static func check(_ outcome: DeliveryOutcome, checkpoint: Int64) throws(ConnectorError) {
        switch outcome {
        case .delivered, .wasDelivered: return
        case .markerMissing:
            throw ConnectorError(
                .external,
                retry: .never,
                "can't tell whether checkpoint \(checkpoint) was delivered: the output topic's marker is gone (brokers "
                    + "forget the offsets of idle groups), or it is another cluster; --allow-duplicates delivers it anyway"
            )
        case .markerAbove(let marker):
            throw ConnectorError(
                .external,
                retry: .never,
                "can't deliver checkpoint \(checkpoint): checkpoint \(marker) was delivered before it, so that this run goes "
                    + "on from a past whose output exists already; --allow-duplicates delivers it anyway"
            )
        }
    }

    /// Begins to deliver; ``isBusy`` tells when it is done.
    func start(_ tokens: [String], checkpoint: Int64, recorded: Int64?, then wake: @escaping @Sendable () -> Void) {
        self.state.withLock { $0.isBusy = true }
        let body: @Sendable (Int) -> Void = { _ in
            do throws(ConnectorError) {
                try self.deliver(tokens, checkpoint: checkpoint, recorded: recorded)
            } catch {
                self.state.withLock { $0.failure = error }
            }
            self.state.withLock { $0.isBusy = false }
            wake()
        }
        do {
            self.wait()
            try self.threads.withLock { held throws(EnvironmentError) in
                held = try PinnedThreads(count: 1, name: "weir-deliver", isPinned: false, body: body)
            }
        } catch {
            self.state.withLock { state in
                state.isBusy = false
                state.failure = ConnectorError(.external, retry: .never, "\(error)")
            }
        }
    }

    /// Waits for the delivery that is under way.
    func wait() { self.threads.withLock { $0.take()?.join() } }

    func close() {
        self.threads.withLock { $0.take()?.join() }
        self.route.delivery.close()
    }
}
