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

    package var pairCount: Int { self.output.pairCount }
    package private(set) var recordCount = 0

    package mutating func process(_ block: SourceBlock, of split: Split) throws(EngineError) {
        unsafe self.kernel.run(block.base.assumingMemoryBound(to: UInt8.self), count: block.count, into: &self.output)
    }

    package mutating func finish() throws(EngineError) {
        try self.output.finish()
    }

    package mutating func takeReady() -> [RoutedBatch] { self.output.takeReady() }
}
