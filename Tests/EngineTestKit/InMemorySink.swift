package import ConnectorKit
internal import Synchronization

/// A sink that keeps what it is given, notes what is asked of it, and breaks where a test says so.
package final class InMemorySink: Sink {
    /// What fails; calls are counted from 1.
    package enum Fault: Hashable, Sendable {
        case preparing
        case opening(call: Int)
        case writing(call: Int)
        case finishing(call: Int)
        case committing
    }

    package enum Event: Hashable, Sendable {
        case prepared
        /// Only told to who watches.
        case wrote(partition: Int)
        case opened(partition: Int)
        case finished(partition: Int)
        case discarded(partition: Int)
        /// With the partitions of its parts, in their order.
        case committed([Int])
        case aborted
    }

    private struct State {
        var events: [Event] = []
        var opened = 0
        var written = 0
        var finished = 0
        /// Content by the name of the part.
        var staged: [String: [UInt8]] = [:]
        var visible: [[UInt8]]?
        var watcher: (@Sendable (Event) -> Void)?
    }

    package let summary = "kept"
    private let fault: Fault?
    private let state = Mutex(State())

    package init(fault: Fault? = nil) {
        self.fault = fault
    }

    /// Calls `action` in the middle of whatever is asked of the sink from now on.
    package func watch(_ action: @escaping @Sendable (Event) -> Void) {
        self.state.withLock { $0.watcher = action }
    }

    package var events: [Event] { self.state.withLock { $0.events } }

    /// The content of each partition that was committed; nil before that.
    package var partitions: [[UInt8]]? { self.state.withLock { $0.visible } }

    /// The lines of all partitions that were committed, sorted.
    package var lines: [String] {
        (self.partitions ?? []).flatMap { Self.lines(of: $0) }.sorted()
    }

    /// The lines of a part as they were written.
    package static func lines(of content: [UInt8]) -> [String] {
        content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// How many times an event came.
    package func count(_ isCounted: (Event) -> Bool) -> Int { self.events.count(where: isCounted) }

    package var commitCount: Int { self.count { if case .committed = $0 { true } else { false } } }
    package var abortCount: Int { self.count { $0 == .aborted } }

    /// Writers that were opened and neither finished nor discarded.
    package var openWriterCount: Int {
        var open: Set<Int> = []
        for event in self.events {
            switch event {
            case .opened(let partition): open.insert(partition)
            case .finished(let partition), .discarded(let partition): open.remove(partition)
            case .prepared, .wrote, .committed, .aborted: break
            }
        }
        return open.count
    }

    package func prepare() throws(ConnectorError) {
        self.note(.prepared)
        if self.fault == .preparing { throw .injected("can't write to 'kept'", domain: .user) }
    }

    package func makeWriter(
        partition: Int,
        attempt: Int,
        contentType: SinkContent
    ) throws(ConnectorError) -> any SinkWriter {
        let call = self.state.withLock { state in
            state.opened += 1
            return state.opened
        }
        if self.fault == .opening(call: call) { throw .injected("can't open partition \(partition)") }
        self.note(.opened(partition: partition))
        return InMemoryWriter(sink: self, partition: partition, attempt: attempt)
    }

    package func commit(_ parts: [SinkPart]) throws(ConnectorError) {
        self.note(.committed(parts.map(\.partition)))
        if self.fault == .committing { throw .injected("can't commit 'kept'") }
        self.state.withLock { state in
            state.visible = parts.sorted { $0.partition < $1.partition }.map { state.staged[$0.token] ?? [] }
        }
    }

    package func abort() {
        self.note(.aborted)
        self.state.withLock { $0.staged = [:] }
    }

    fileprivate func note(_ event: Event) {
        let watcher = self.state.withLock { state in
            state.events.append(event)
            return state.watcher
        }
        watcher?(event)
    }

    fileprivate func noteWrite(partition: Int) throws(ConnectorError) {
        let (call, watcher) = self.state.withLock { state in
            state.written += 1
            return (state.written, state.watcher)
        }
        watcher?(.wrote(partition: partition))
        if self.fault == .writing(call: call) { throw .injected("can't write to 'kept'") }
    }

    fileprivate func finish(_ part: SinkPart, _ content: [UInt8]) throws(ConnectorError) {
        let call = self.state.withLock { state in
            state.finished += 1
            return state.finished
        }
        if self.fault == .finishing(call: call) { throw .injected("can't finish partition \(part.partition)") }
        self.state.withLock { $0.staged[part.token] = content }
        self.note(.finished(partition: part.partition))
    }
}

private final class InMemoryWriter: SinkWriter {
    private let sink: InMemorySink
    private let partition: Int
    private let attempt: Int
    private var content: [UInt8] = []

    init(sink: InMemorySink, partition: Int, attempt: Int) {
        self.sink = sink
        self.partition = partition
        self.attempt = attempt
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(ConnectorError) {
        try self.sink.noteWrite(partition: self.partition)
        unsafe self.content.append(contentsOf: bytes)
    }

    func finish() throws(ConnectorError) -> SinkPart {
        let part = SinkPart(
            partition: self.partition,
            attempt: self.attempt,
            bytes: Int64(self.content.count),
            token: "part-\(self.partition).a\(self.attempt)"
        )
        try self.sink.finish(part, self.content)
        return part
    }

    func discard() {
        self.sink.note(.discarded(partition: self.partition))
    }
}
