import ConnectorKit
import Engine
import EngineTestKit
import Storage
import WireFormat

/// Reads whatever bytes libFuzzer comes up with as the rows of a spilled run, and damages a spill file with them.
///
/// None of it may trap. Rows lie within their block, and a damaged file never delivers anything but what was written.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRows(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let bytes = unsafe bytes, count > 8 else { return 0 }
    let options = unsafe [bytes[0], bytes[1], bytes[2]]
    let input = unsafe Array(UnsafeBufferPointer(start: bytes + 8, count: count - 8))
    readRows(input, blockBytes: 8 * (Int(options[0]) + 1), form: RecordBatch.Form(rawValue: options[1] % 3) ?? .value)
    readSpillFile(input, damagedAt: Int(options[0]) + 256 * Int(options[1]), with: options[2])
    return 0
}

/// Merges a run with itself: cursors, order and partitions all look at the rows.
private func readRows(_ bytes: [UInt8], blockBytes: Int, form: RecordBatch.Form) {
    let blocks = stride(from: 0, to: bytes.count, by: blockBytes).map { start in
        Array(bytes[start..<min(start + blockBytes, bytes.count)])
    }
    let run = SortedRun(
        form: form,
        run: CutRun(blocks: blocks),
        rowBytesMaximum: 2 * bytes.count,
        payloadBytes: form == .integers ? 16 : nil
    )
    do throws(SpillError) {
        var merger = try RunMerger([run, run], routing: Routing(keyGroupCount: 64, partitionCount: 4, subtaskCount: 2))
        while let cursor = merger.current {
            let row = cursor.row
            precondition(row.size <= 2 * bytes.count, "a row is longer than all rows")
            _ = look(at: row)
            try merger.advance()
        }
    } catch {
        precondition(error.reason == .corrupt, "what isn't a run is corrupt")
    }
}

/// Reads every byte of a row, so that a sanitizer sees it.
private func look(at row: RecordRow) -> UInt8 {
    var sum: UInt8 = 0
    for index in 0..<row.keyBytes { sum &+= unsafe row.key.load(fromByteOffset: index, as: UInt8.self) }
    for index in 0..<row.payloadBytes { sum &+= unsafe row.payload.load(fromByteOffset: index, as: UInt8.self) }
    return sum
}

/// Writes two blocks, changes a byte of the file, and reads them.
private func readSpillFile(_ bytes: [UInt8], damagedAt offset: Int, with mask: UInt8) {
    let disk = MemoryDisk()
    let store = DiskSpillStore(disk: disk, directory: "spill")
    let half = bytes.count / 2
    let blocks = [Array(bytes[..<half]), Array(bytes[half...])].filter { !$0.isEmpty }
    do throws(SpillError) {
        let writer = try store.makeRun()
        for block in blocks {
            try unsafe block.withUnsafeBufferPointer { bytes throws(SpillError) in
                try unsafe writer.append(UnsafeRawBufferPointer(bytes))
            }
        }
        let reader = try writer.finish().makeReader()
        disk.file.damage(at: offset, with: mask)
        let found = SourceBlock(capacity: 16)
        for block in blocks {
            guard try reader.next(into: found) else { preconditionFailure("a block is missing") }
            let content = unsafe Array(UnsafeRawBufferPointer(start: found.base, count: found.count))
            precondition(content == block, "a damaged block was delivered")
        }
    } catch {
        precondition(error.reason == .corrupt, "what was damaged is corrupt")
    }
}

/// A run of blocks in memory.
private final class CutRun: SpillRun {
    private let blocks: [[UInt8]]

    init(blocks: [[UInt8]]) {
        self.blocks = blocks
    }

    var storedBytes: Int64 { 0 }

    func makeReader() throws(SpillError) -> any SpillRunReader { CutReader(self.blocks) }
}

private final class CutReader: SpillRunReader {
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
