package import ConnectorKit
internal import FluentSyntax

/// One subtask before a shuffle, or of a job without one: decodes blocks and runs the map over their records.
///
/// ## Order of calls
/// `process` with each block of a split in turn, any number of splits; then `finish` once. After each call `takeReady`
/// gives the batches that are full.
package struct MapStage: ~Copyable {
    private var output: MapOutput
    private var kernel: TokenKernel

    init(kernel: consuming TokenKernel, output: consuming MapOutput) {
        self.kernel = kernel
        self.output = output
    }

    package var figures: MapFigures { MapFigures(records: self.recordCount, pairs: self.output.pairCount, rejected: 0) }
    private var recordCount = 0

    /// The part of the output that this subtask wrote, where there is no shuffle.
    package var parts: [SinkPart] { self.output.parts }

    package mutating func process(_ block: SourceBlock, of split: Split) throws(EngineError) {
        unsafe self.kernel.run(block.base.assumingMemoryBound(to: UInt8.self), count: block.count, into: &self.output)
    }

    /// The split's last block was processed.
    package mutating func endSplit() throws(EngineError) {}

    /// Gives up: what was written is removed.
    package mutating func discard() { self.output.discard() }

    package mutating func finish() throws(EngineError) {
        try self.output.finish()
    }

    package mutating func takeReady() -> [RoutedBatch] { self.output.takeReady() }
}

/// What a map has done so far.
package struct MapFigures: Hashable, Sendable {
    package var records = 0
    package var pairs = 0
    package var rejected = 0

    package init() {}

    init(records: Int, pairs: Int, rejected: Int) {
        self.records = records
        self.pairs = pairs
        self.rejected = rejected
    }
}
