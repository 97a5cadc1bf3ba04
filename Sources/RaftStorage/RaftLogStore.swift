package import CoreTypes
package import Environment
package import RaftCore

/// The storage of one replica: hard state, log and snapshot in a directory of its own.
///
/// | file | |
/// | --- | --- |
/// | `state` | ``HardStateSlots`` |
/// | `log-NUMBER-BATCH-RECORD` | ``LogSegment``, of ``LogRecord``s |
/// | `snapshot-TERM-INDEX` | ``SnapshotFile`` |
///
/// ## Order of calls
/// `write`, then `synchronize`, and again: what one `write` is given becomes durable together (group commit), and a batch is
/// begun only when the one before is durable, which is what ``LogRecovery`` relies on.
///
/// - Important: Behind an error nothing may be called any more: the store is opened anew, as nobody knows what is durable
///   after a failed sync.
///
/// Isolation: one thread uses it.
package final class RaftLogStore {
    package struct Configuration: Hashable, Sendable {
        /// A segment that is larger than this is followed by a new one.
        package var segmentBytes = 16 << 20

        package init() {}
    }

    let disk: any Disk
    package let directory: String
    private let configuration: Configuration
    private var slots: HardStateSlots
    private var content: HardStateSlots.Content

    /// On disk, oldest first; those of ``current`` and before.
    private var segments: [LogSegment]

    /// Behind what was found damaged: they go before anything is written.
    private var stale: [LogSegment]
    private var current: (file: any DiskFile, end: Int)?
    private var next: LogRecord.Place
    private var lastPosition: LogPosition

    /// What was found doesn't belong behind the snapshot: the log begins anew with what is written next.
    private var pendingReset: LogPosition?

    /// The slots don't know yet that something was cut off.
    private var isCut: Bool
    private var isBatchOpen = false
    private var hasNewName = false

    /// The newest snapshot.
    package internal(set) var snapshot: SnapshotFile?

    // MARK: Opening

    /// Makes the storage of a new replica: with what a founding member begins with, or with nothing.
    package static func create(
        _ state: RecoveredState,
        disk: any Disk,
        directory: String,
        configuration: Configuration = Configuration()
    ) throws(RaftStorageError) {
        do {
            try disk.createDirectory(directory)
            if try disk.list(directory).isEmpty {
                return try Self.found(state, disk: disk, directory: directory, configuration)
            }
        } catch {
            throw .disk(error)
        }
        throw .notEmpty(directory: directory)
    }

    private static func found(
        _ state: RecoveredState,
        disk: any Disk,
        directory: String,
        _ configuration: Configuration
    ) throws(EnvironmentError) {
        let content = HardStateSlots.Content(hardState: state.hardState)
        let slots = try HardStateSlots(content, number: 0, disk: disk, directory: directory)
        let nothing = LogRecovery([], contents: [], known: content.known)
        let store = RaftLogStore(disk, directory, configuration, slots, content, nothing)
        try store.write([LogWrite(id: .zero, entries: state.entries)])
        try store.synchronize()
    }

    /// Opens what is there, makes it durable, and says what it is.
    package static func open(
        disk: any Disk,
        directory: String,
        configuration: Configuration = Configuration()
    ) throws(RaftStorageError) -> (store: RaftLogStore, state: RecoveredState) {
        do {
            if let opened = try Self.find(disk: disk, directory: directory, configuration) {
                return opened
            }
        } catch {
            throw .disk(error)
        }
        throw .hardStateLost(directory: directory)
    }

    /// Nil where no hard state can be read.
    private static func find(
        disk: any Disk,
        directory: String,
        _ configuration: Configuration
    ) throws(EnvironmentError) -> (store: RaftLogStore, state: RecoveredState)? {
        let names = try disk.list(directory)
        guard names.contains(HardStateSlots.fileName),
            let newest = HardStateSlots.newest(in: try Self.contents(of: HardStateSlots.fileName, directory, disk))
        else { return nil }
        let all = names.compactMap { LogSegment(name: $0) }
        let segments = LogSegment.newest(of: all)
        let contents = try segments.map { segment throws(EnvironmentError) in
            try Self.contents(of: segment.name, directory, disk)
        }
        for segment in Set(all).subtracting(segments).sorted() { try disk.remove("\(directory)/\(segment.name)") }
        try disk.synchronizeDirectory(directory)
        let recovery = LogRecovery(segments, contents: contents, known: newest.content.known)
        var content = newest.content
        if recovery.damagedEnd == nil {
            content.known = KnownEnd(nextRecord: recovery.next.number, position: recovery.lastPosition)
        }
        let slots = try HardStateSlots(content, number: newest.number, disk: disk, directory: directory)
        let store = RaftLogStore(disk, directory, configuration, slots, content, recovery)
        let damaged = try store.findSnapshot(names)
        return (store, store.state(recovery, damagedSnapshot: damaged))
    }

    private init(
        _ disk: any Disk,
        _ directory: String,
        _ configuration: Configuration,
        _ slots: HardStateSlots,
        _ content: HardStateSlots.Content,
        _ recovery: LogRecovery
    ) {
        self.disk = disk
        self.directory = directory
        self.configuration = configuration
        self.slots = slots
        self.content = content
        self.segments = Array(recovery.segments.prefix(recovery.usedCount))
        self.stale = Array(recovery.segments.dropFirst(recovery.usedCount))
        self.next = recovery.next
        self.lastPosition = recovery.lastPosition
        self.isCut = recovery.damagedEnd != nil
    }

    private func state(_ recovery: LogRecovery, damagedSnapshot: LogPosition?) -> RecoveredState {
        var state = RecoveredState()
        state.hardState = self.content.hardState
        state.entries = recovery.entries
        state.snapshot = self.snapshot?.metadata
        state.appliedIndex = state.snapshot?.position.index ?? .zero
        state.damagedEnd = recovery.damagedEnd
        if let damagedSnapshot {
            state.damagedEnd = [recovery.damagedEnd, recovery.entries.last?.position, damagedSnapshot].compactMap(
                \.self
            ).max()
        }
        self.align(&state)
        return state
    }

    /// Leaves out a log that doesn't follow the snapshot: the reset that belongs to it was lost, or what lies between was.
    private func align(_ state: inout RecoveredState) {
        let base = state.snapshot?.position ?? .zero
        guard let first = state.entries.first, let last = state.entries.last else { return }
        if first.index > base.index.next() {
            state.damagedEnd = max(state.damagedEnd ?? .zero, last.position)
        } else if first.index == base.index.next() {
            return
        } else if last.index >= base.index, state.entries[first.index.distance(to: base.index)].term == base.term {
            return
        }
        state.entries = []
        self.pendingReset = base
        self.lastPosition = base
    }

    private static func contents(
        of name: String,
        _ directory: String,
        _ disk: any Disk
    ) throws(EnvironmentError) -> [UInt8] {
        let file = try disk.openFile("\(directory)/\(name)")
        // A process that was killed may have left what never reached the disk.
        try file.synchronize()
        return try file.read(at: 0, count: Int(try file.size))
    }

    // MARK: Writing

    /// Writes these one behind the other; hard states are durable when this returns, the rest when ``synchronize()`` does.
    package func write(_ writes: [LogWrite]) throws(EnvironmentError) {
        precondition(!self.isBatchOpen, "a batch begins when the one before is durable")
        if let hardState = writes.last(where: { $0.hardState != nil })?.hardState {
            self.content.hardState = hardState
            try self.writeSlots()
        }
        var contents: [LogRecord.Content] = []
        for write in writes {
            if let reset = write.reset { contents.append(.reset(reset)) }
            contents += write.entries.map { .entry($0) }
        }
        guard !contents.isEmpty else { return }
        if let base = self.pendingReset, writes.first(where: { !$0.entries.isEmpty || $0.reset != nil })?.reset == nil {
            contents.insert(.reset(base), at: 0)
        }
        self.pendingReset = nil
        if self.isCut { try self.writeSlots() }
        try self.removeStale()
        try self.append(contents)
    }

    /// With what is known to be durable of the log.
    private func writeSlots() throws(EnvironmentError) {
        self.content.known = KnownEnd(nextRecord: self.next.number, position: self.lastPosition)
        try self.slots.write(self.content)
        self.isCut = false
    }

    private func removeStale() throws(EnvironmentError) {
        guard !self.stale.isEmpty else { return }
        // The newest first: as long as one is left, what lies between is known to be missing.
        while let segment = self.stale.popLast() { try self.disk.remove(self.path(segment)) }
        try self.disk.synchronizeDirectory(self.directory)
    }

    private func path(_ segment: LogSegment) -> String { "\(self.directory)/\(segment.name)" }

    private func append(_ contents: [LogRecord.Content]) throws(EnvironmentError) {
        if (self.current?.end ?? .max) >= self.configuration.segmentBytes { try self.beginSegment() }
        guard let (file, start) = self.current else { preconditionFailure("there is a segment") }
        var writer = ByteWriter()
        for (offset, content) in contents.enumerated() {
            let record = LogRecord(place: self.next, content: content, isLastOfBatch: offset == contents.count - 1)
            self.next.formerChecksum = record.append(to: &writer)
            self.next.number += 1
            self.note(content)
        }
        writer.pad(to: LogRecovery.blockBytes)
        try file.write(writer.bytes, at: Int64(start))
        self.current = (file, start + writer.bytes.count)
        self.next.batch += 1
        self.isBatchOpen = true
    }

    private func note(_ content: LogRecord.Content) {
        let last = self.segments.count - 1
        switch content {
        case .entry(let entry):
            self.segments[last].lastIndex = max(self.segments[last].lastIndex, entry.index)
            self.lastPosition = entry.position
        case .reset(let position):
            for index in self.segments.indices { self.segments[index].lastIndex = .zero }
            self.lastPosition = position
        }
    }

    private func beginSegment() throws(EnvironmentError) {
        let number = (self.segments.last?.number ?? 0) + 1
        let segment = LogSegment(number: number, firstBatch: self.next.batch, firstRecord: self.next.number)
        let file = try self.disk.createFile(self.path(segment))
        self.segments.append(segment)
        self.current = (file, 0)
        self.hasNewName = true
    }

    /// Makes everything durable that was written.
    package func synchronize() throws(EnvironmentError) {
        guard self.isBatchOpen, let (file, _) = self.current else { return }
        try file.synchronize()
        if self.hasNewName { try self.disk.synchronizeDirectory(self.directory) }
        self.hasNewName = false
        self.isBatchOpen = false
    }

    /// Notes how far the log is durable, so that what is lost of its end is missed: for when there is nothing else to do.
    package func noteEnd() throws(EnvironmentError) {
        guard !self.isBatchOpen, !self.isCut, self.content.known.nextRecord != self.next.number else { return }
        try self.writeSlots()
    }

    /// Removes log and snapshot of a replica that isn't a member any more; what it voted stays, and how far its log went.
    package func erase() throws(EnvironmentError) {
        precondition(!self.isBatchOpen, "what is removed is durable")
        let floor = max(self.lastPosition, self.snapshot?.metadata.position ?? .zero)
        self.content.hardState.repairFloor = max(floor, self.content.hardState.repairFloor ?? .zero)
        self.content.known = KnownEnd()
        try self.slots.write(self.content)
        self.current = nil
        self.snapshot = nil
        for name in try self.disk.list(self.directory).reversed() {
            guard LogSegment(name: name) != nil || SnapshotFile.position(name) != nil else { continue }
            try self.disk.remove("\(self.directory)/\(name)")
        }
        try self.disk.synchronizeDirectory(self.directory)
        self.segments = []
        self.stale = []
        self.next = LogRecord.Place()
        self.lastPosition = .zero
        self.pendingReset = nil
        self.isCut = false
    }

    /// Removes segments of which only entries through `index` count.
    package func discard(through index: LogIndex) throws(EnvironmentError) {
        var isChanged = false
        while self.segments.count > 1, self.segments[0].lastIndex <= index {
            try self.disk.remove(self.path(self.segments.removeFirst()))
            isChanged = true
        }
        if isChanged { try self.disk.synchronizeDirectory(self.directory) }
    }
}
