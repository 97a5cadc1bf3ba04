internal import Compression
public import ConnectorKit
internal import CoreTypes

/// Files of a local or mounted file system: `distributed-files`.
public struct FilesSource: Source {
    let patterns: [String]

    /// Whether directories stand for all that lies below them; nil where the program says nothing.
    let isRecursive: Bool?

    public var summary: String {
        self.patterns.joined(separator: ", ")
    }

    public func enumerateSplits(framing: Framing, targetBytes: Int64) throws(ConnectorError) -> [Split] {
        try self.enumerateSplits(framing: framing, targetBytes: targetBytes) { _ in }
    }

    public func enumerateSplits(
        framing: Framing,
        targetBytes: Int64,
        noting note: (String) -> Void
    ) throws(ConnectorError) -> [Split] {
        precondition(targetBytes > 0, "a split needs at least a byte")
        let found = try FileFinder.find(self.patterns, isRecursive: self.isRecursive)
        for remark in found.remarks { note(remark) }
        var splits: [Split] = []
        for file in found.files {
            try Self.append(file, framing: framing, targetBytes: targetBytes, to: &splits)
        }
        return splits
    }

    public func makeReader(for split: Split, framing: Framing) throws(ConnectorError) -> any SourceReader {
        let file = try Self.open(split.resource)
        let status: FileStatus
        let format: CompressionFormat?
        let isUnsized: Bool
        do {
            status = try file.status()
            format = try Self.format(of: file)
            isUnsized = split.start == 0 ? try file.hidesContent(status) : false
        } catch {
            throw error.error("read '\(split.resource)'")
        }
        if let listed = split.end, status.size < listed {
            throw ConnectorError.changed(split.resource, "shrank below \(listed) bytes after it was listed")
        }
        guard let format else {
            if isUnsized {
                return FramedReader(UnsizedSupply(file), path: split.resource, framing: framing, end: Int64.max)
            }
            return try Self.plainReader(file, status: status, split: split, framing: framing)
        }
        var supply = try CompressedSupply(file, status: status, format: format)
        // A stream goes on where it was, in decompressed bytes; what is before them must be decompressed again.
        try supply.skip(to: split.start)
        return FramedReader(supply, path: split.resource, framing: framing, end: Int64.max)
    }

    private static func open(_ path: String) throws(ConnectorError) -> OpenFile {
        do {
            return try OpenFile(reading: path)
        } catch {
            throw error.error("read '\(path)'")
        }
    }

    private static func plainReader(
        _ file: consuming OpenFile,
        status: FileStatus,
        split: Split,
        framing: Framing
    ) throws(ConnectorError) -> any SourceReader {
        let end = split.end ?? status.size
        if end - split.start > 1 << 20 { file.adviseSequential(from: split.start, count: end - split.start) }
        var supply = PlainSupply(file, status: status, start: split.start, end: end)
        guard case .lines = framing else {
            return FramedReader(supply, path: split.resource, framing: framing, end: Int64.max)
        }
        guard try supply.skipToLineStart(before: end) else { return EmptyReader(bytes: end - split.start) }
        return FramedReader(supply, path: split.resource, framing: framing, end: end)
    }

    private static func append(
        _ file: FileFinder.File,
        framing: Framing,
        targetBytes: Int64,
        to splits: inout [Split]
    ) throws(ConnectorError) {
        var count: Int64 = 1
        var isCompressed = false
        if case .lines = framing, file.size > targetBytes {
            // Small files are one split anyway: only for large ones it matters now what is in them.
            isCompressed = try self.isCompressed(file.path)
            if !isCompressed { count = (file.size - 1) / targetBytes + 1 }
        }
        for index in 0..<count {
            let start = Self.edge(index, of: count, size: file.size)
            let end = Self.edge(index + 1, of: count, size: file.size)
            splits.append(
                Split(
                    id: SplitID(rawValue: splits.count),
                    resource: file.path,
                    start: start,
                    // One without a size may have content nevertheless, and can't be cut.
                    end: isCompressed || file.size == 0 ? nil : end,
                    weightBytes: end - start
                )
            )
        }
    }

    /// Where the split `index` of `count` about equal ones begins.
    private static func edge(_ index: Int64, of count: Int64, size: Int64) -> Int64 {
        let (quotient, remainder) = size.quotientAndRemainder(dividingBy: count)
        return quotient * index + min(index, remainder)
    }

    private static func isCompressed(_ path: String) throws(ConnectorError) -> Bool {
        do {
            return try self.format(of: OpenFile(reading: path)) != nil
        } catch {
            throw error.error("read '\(path)'")
        }
    }

    private static func format(of file: borrowing OpenFile) throws(SystemFailure) -> CompressionFormat? {
        var word: UInt32 = 0
        // A local's bytes, because a typed error can't pass through the closure's rethrow otherwise.
        return try unsafe withUnsafeMutableBytes(of: &word) { bytes throws(SystemFailure) in
            let count = try unsafe file.read(at: 0, into: bytes)
            let start = unsafe UnsafeRawBufferPointer(rebasing: bytes[0..<count])
            if let format = unsafe CompressionFormat(sniffing: start) { return format }
            // What a broken transfer leaves of a compressed file is no text.
            let named = CompressionFormat(fileName: file.path)
            return unsafe named?.isBegun(by: start) == true ? named : nil
        }
    }
}

/// Reads a split in which no line begins.
final class EmptyReader: SourceReader {
    private var uncounted: Int64

    /// `bytes`: Of the split.
    init(bytes: Int64) {
        self.uncounted = bytes
    }

    func poll(into block: SourceBlock) throws(ConnectorError) -> SourcePoll {
        block.count = 0
        block.consumedBytes = self.uncounted
        self.uncounted = 0
        return .end
    }

    func close() {}
}
