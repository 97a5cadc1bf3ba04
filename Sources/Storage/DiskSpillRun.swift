internal import Compression
internal import ConnectorKit
internal import Engine
internal import Environment

/// A finished run of a ``DiskSpillStore``.
final class DiskSpillRun: SpillRun {
    let storedBytes: Int64
    fileprivate let extents: SpillExtents
    fileprivate let codecs: SpillCodecPool
    fileprivate let file: any DiskFile
    fileprivate let run: UInt32
    fileprivate let blocks: [StoredBlock]

    init(extents: SpillExtents, codecs: SpillCodecPool, file: any DiskFile, run: UInt32, blocks: [StoredBlock]) {
        self.extents = extents
        self.codecs = codecs
        self.file = file
        self.run = run
        self.blocks = blocks
        self.storedBytes = blocks.reduce(0) { $0 + Int64($1.length) }
    }

    func makeReader() throws(SpillError) -> any SpillRunReader {
        DiskSpillRunReader(self)
    }
}

/// Reads one run of a ``DiskSpillStore``.
final class DiskSpillRunReader: SpillRunReader {
    private let source: DiskSpillRun
    private var index = 0
    private var extent = -1
    private var offset: Int64 = 0

    init(_ source: DiskSpillRun) {
        self.source = source
    }

    func next(into block: SourceBlock) throws(SpillError) -> Bool {
        block.count = 0
        guard self.index < self.source.blocks.count else { return false }
        let stored = self.source.blocks[self.index]
        if stored.extent != self.extent {
            self.extent = stored.extent
            self.offset = self.source.extents.starts[stored.extent]
        }
        try self.source.codecs.withCodec { codec throws(SpillError) in
            let header = try self.readHeader(stored, codec)
            block.grow(to: header.contentLength, preserving: 0)
            let content = unsafe UnsafeMutableRawBufferPointer(start: block.base, count: header.contentLength)
            let count: Int
            do throws(CompressionError) {
                count = try unsafe codec.decompress(frameLength: header.frameLength, into: content)
            } catch {
                throw self.damaged("\(error)")
            }
            guard count == header.contentLength else { throw self.damaged("\(count) bytes instead of \(header)") }
            block.count = count
        }
        self.index += 1
        self.offset += Int64(stored.length)
        return true
    }

    private func readHeader(_ stored: StoredBlock, _ codec: SpillCodec) throws(SpillError) -> SpillBlock {
        let buffer = unsafe UnsafeMutableRawBufferPointer(rebasing: codec.buffer[0..<stored.length])
        let count: Int
        do throws(EnvironmentError) {
            count = try unsafe self.source.file.read(at: self.offset, into: buffer)
        } catch {
            throw SpillError(.failed, "can't read back what was spilled: \(error)")
        }
        guard count == stored.length else { throw self.damaged("the file ends at byte \(self.offset + Int64(count))") }
        let header = unsafe SpillBlock(UnsafeRawBufferPointer(buffer))
        guard
            let header,
            header.frameLength == stored.length - SpillBlock.headerLength,
            (1...SpillLimits.blockBytes).contains(header.contentLength),
            header.run == self.source.run,
            header.index == self.index
        else { throw self.damaged("its header isn't what was written") }
        return header
    }

    private func damaged(_ detail: String) -> SpillError {
        let message =
            "can't read back what was spilled to '\(self.source.file.path)': block \(self.index) of run "
            + "\(self.source.run), at byte \(self.offset), is damaged (\(detail)); check the disk and run the job again"
        return SpillError(.corrupt, message)
    }
}
