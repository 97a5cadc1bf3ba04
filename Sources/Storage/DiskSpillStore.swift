internal import Compression
internal import ConnectorKit
package import Engine
package import Environment

/// Spills to a file on a disk, compressed and checked; see ``SpillBlock`` for its format.
///
/// Memory: about 3 MiB for each thread that spills at the same moment, and 4 bytes for each block.
package final class DiskSpillStore: SpillStore {
    private let spill: SpillFile
    private let codecs = SpillCodecPool()

    /// - Parameters:
    ///   - disk: Where the file lies.
    ///   - directory: Is made when something is spilled; nothing in it is ever visible.
    package init(disk: any Disk, directory: String) {
        self.spill = SpillFile(disk: disk, directory: directory)
    }

    package func makeRun() throws(SpillError) -> any SpillRunWriter {
        do {
            let (file, run) = try self.spill.open()
            return DiskSpillRunWriter(spill: self.spill, codecs: self.codecs, file: file, run: run)
        } catch {
            throw SpillError(error)
        }
    }
}

/// Writes one run of a ``DiskSpillStore``.
final class DiskSpillRunWriter: SpillRunWriter {
    private let spill: SpillFile
    private let codecs: SpillCodecPool
    private let file: any DiskFile
    private let run: UInt32
    private var extents: [Int64] = []
    private var blocks: [StoredBlock] = []

    /// The next free byte of the last extent and the first behind it.
    private var room: Range<Int64> = 0..<0
    private var isFinished = false

    init(spill: SpillFile, codecs: SpillCodecPool, file: any DiskFile, run: UInt32) {
        self.spill = spill
        self.codecs = codecs
        self.file = file
        self.run = run
    }

    deinit {
        if !self.isFinished { self.spill.giveBack(self.extents) }
    }

    func append(_ block: UnsafeRawBufferPointer) throws(SpillError) {
        precondition((1...SpillLimits.blockBytes).contains(block.count), "a spill block has from 1 byte to 1 MiB")
        try self.codecs.withCodec { codec throws(SpillError) in
            let frameLength: Int
            do throws(CompressionError) {
                frameLength = try unsafe codec.compress(block)
            } catch {
                throw SpillError(.failed, "can't spill \(block.count) bytes: \(error); give the job more memory")
            }
            let length = SpillBlock.headerLength + frameLength
            let header = SpillBlock(
                frameLength: frameLength,
                contentLength: block.count,
                run: self.run,
                index: self.blocks.count
            )
            unsafe header.write(to: codec.buffer)
            let offset = self.reserve(Int64(length))
            do throws(EnvironmentError) {
                try unsafe self.file.write(UnsafeRawBufferPointer(rebasing: codec.buffer[0..<length]), at: offset)
            } catch {
                throw SpillError(error)
            }
            self.blocks.append(StoredBlock(extent: self.extents.count - 1, length: length))
        }
    }

    func finish() throws(SpillError) -> any SpillRun {
        precondition(!self.isFinished, "a run is finished once")
        self.isFinished = true
        return DiskSpillRun(
            extents: SpillExtents(self.spill, starts: self.extents),
            codecs: self.codecs,
            file: self.file,
            run: self.run,
            blocks: self.blocks
        )
    }

    private func reserve(_ length: Int64) -> Int64 {
        if self.room.upperBound - self.room.lowerBound < length {
            let start = self.spill.takeExtent()
            self.extents.append(start)
            self.room = start..<start + SpillFile.extentBytes
        }
        let offset = self.room.lowerBound
        self.room = offset + length..<self.room.upperBound
        return offset
    }
}

/// Where a block lies: behind its predecessor, or at the start of an extent.
struct StoredBlock: Sendable {
    private let packed: UInt64

    var extent: Int { Int(self.packed >> 32) }

    /// With its header.
    var length: Int { Int(self.packed & 0xFFFF_FFFF) }

    init(extent: Int, length: Int) {
        self.packed = UInt64(extent) << 32 | UInt64(length)
    }
}

extension SpillError {
    init(_ error: EnvironmentError) {
        self.init(error.reason == .noSpace ? .noSpace : .failed, "can't spill: \(error)")
    }
}
