import ConnectorKit
import Synchronization

@testable import Engine

/// Spills to memory; its blocks may be damaged.
final class MemorySpillStore: SpillStore {
    func makeRun() throws(SpillError) -> any SpillRunWriter { MemorySpillWriter() }
}

final class MemorySpillWriter: SpillRunWriter {
    private var blocks: [[UInt8]] = []

    func append(_ block: UnsafeRawBufferPointer) throws(SpillError) {
        precondition((1...SpillLimits.blockBytes).contains(block.count), "blocks have a limit")
        self.blocks.append(unsafe Array(block))
    }

    func finish() throws(SpillError) -> any SpillRun { MemorySpillRun(self.blocks) }
}

final class MemorySpillRun: SpillRun {
    let blocks: [[UInt8]]

    init(_ blocks: [[UInt8]]) {
        self.blocks = blocks
    }

    var storedBytes: Int64 { Int64(self.blocks.reduce(0) { $0 + $1.count }) }

    func makeReader() throws(SpillError) -> any SpillRunReader { MemorySpillReader(self.blocks) }
}

final class MemorySpillReader: SpillRunReader {
    private var blocks: [[UInt8]]

    init(_ blocks: [[UInt8]]) {
        self.blocks = blocks.reversed()
    }

    func next(into block: SourceBlock) throws(SpillError) -> Bool {
        block.count = 0
        guard let next = self.blocks.popLast() else { return false }
        block.grow(to: next.count, preserving: 0)
        unsafe UnsafeMutableRawBufferPointer(start: block.base, count: next.count).copyBytes(from: next)
        block.count = next.count
        return true
    }
}
