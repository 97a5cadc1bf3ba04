internal import ConnectorKit
package import Engine

/// A spill store that keeps runs in memory, counts what is alive, and breaks where a test says so.
package final class InMemorySpillStore: SpillStore {
    /// Which call fails; calls are counted from 1 over all runs.
    package enum Fault: Hashable, Sendable {
        case makingRun(call: Int)
        case appending(call: Int)
        case finishing(call: Int)
        case opening(call: Int)
        case reading(call: Int)
    }

    /// What was asked of it.
    package struct Calls: Hashable, Sendable {
        package var runs = 0
        package var appends = 0
        package var finishes = 0
        package var readers = 0
        package var reads = 0

        /// Writers and runs that somebody still refers to.
        package var alive = 0

        package init() {}
    }

    fileprivate let made: FaultyCalls<Calls, Fault>

    package init(fault: Fault? = nil) {
        self.made = FaultyCalls(Calls(), fault: fault)
    }

    package var calls: Calls { self.made.figures }

    package func makeRun() throws(SpillError) -> any SpillRunWriter {
        try self.made.count(\.runs) { .makingRun(call: $0) }
        return InMemoryRunWriter(space: InMemorySpillSpace(self))
    }
}

extension SpillError {
    /// What a test makes go wrong.
    package static let injected = SpillError(.noSpace, "can't spill: the test wants it so; change the test")
}

/// What a writer hands on to its run, and what goes away with the last of them.
private final class InMemorySpillSpace: Sendable {
    let store: InMemorySpillStore

    init(_ store: InMemorySpillStore) {
        self.store = store
        store.made.change(\.alive, by: 1)
    }

    deinit {
        self.store.made.change(\.alive, by: -1)
    }
}

private final class InMemoryRunWriter: SpillRunWriter {
    private let space: InMemorySpillSpace
    private var blocks: [[UInt8]] = []

    init(space: InMemorySpillSpace) {
        self.space = space
    }

    func append(_ block: UnsafeRawBufferPointer) throws(SpillError) {
        precondition((1...SpillLimits.blockBytes).contains(block.count), "a spill block has from 1 byte to 1 MiB")
        try self.space.store.made.count(\.appends) { .appending(call: $0) }
        self.blocks.append(unsafe Array(block))
    }

    func finish() throws(SpillError) -> any SpillRun {
        try self.space.store.made.count(\.finishes) { .finishing(call: $0) }
        return InMemorySpillRun(space: self.space, blocks: self.blocks)
    }
}

/// A run of an ``InMemorySpillStore``, or one of blocks that a test made up.
package final class InMemorySpillRun: SpillRun {
    fileprivate let space: InMemorySpillSpace?
    package let blocks: [[UInt8]]

    package convenience init(_ blocks: [[UInt8]]) {
        self.init(space: nil, blocks: blocks)
    }

    fileprivate init(space: InMemorySpillSpace?, blocks: [[UInt8]]) {
        self.space = space
        self.blocks = blocks
    }

    package var storedBytes: Int64 { self.blocks.reduce(0) { $0 + Int64($1.count) } }

    package func makeReader() throws(SpillError) -> any SpillRunReader {
        try self.space?.store.made.count(\.readers) { .opening(call: $0) }
        return InMemoryRunReader(run: self)
    }
}

private final class InMemoryRunReader: SpillRunReader {
    private let run: InMemorySpillRun
    private var index = 0

    init(run: InMemorySpillRun) {
        self.run = run
    }

    func next(into block: SourceBlock) throws(SpillError) -> Bool {
        block.count = 0
        try self.run.space?.store.made.count(\.reads) { .reading(call: $0) }
        guard self.index < self.run.blocks.count else { return false }
        let bytes = self.run.blocks[self.index]
        block.grow(to: bytes.count, preserving: 0)
        unsafe UnsafeMutableRawBufferPointer(start: block.base, count: bytes.count).copyBytes(from: bytes)
        block.count = bytes.count
        self.index += 1
        return true
    }
}
