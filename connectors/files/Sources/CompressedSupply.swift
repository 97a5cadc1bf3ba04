internal import Compression
internal import ConnectorKit

/// The bytes that a compressed file stands for.
@safe
struct CompressedSupply: ByteSupply, ~Copyable {
    /// Compressed bytes read at a time.
    private static let inputLimit = 128 * 1_024

    private let file: OpenFile
    private let status: FileStatus
    private var decompressor: StreamDecompressor
    private let input: UnsafeMutableRawBufferPointer
    private var pending = 0..<0
    private var fileOffset: Int64 = 0
    private var reported: Int64 = 0
    private(set) var position: Int64 = 0

    init(_ file: consuming OpenFile, status: FileStatus, format: CompressionFormat) throws(ConnectorError) {
        do throws(CompressionError) {
            self.decompressor = try StreamDecompressor(format)
        } catch {
            throw ConnectorError(.external, retry: .never, "can't read '\(file.path)': \(error); free some memory")
        }
        unsafe self.input = .allocate(byteCount: min(Self.inputLimit, max(64, Int(status.size))), alignment: 64)
        self.file = file
        self.status = status
    }

    deinit {
        unsafe self.input.deallocate()
    }

    /// Decompressed bytes thrown away at a time.
    private static let skipLimit = 64 * 1_024

    /// Moves on to a position in the decompressed bytes.
    mutating func skip(to position: Int64) throws(ConnectorError) {
        guard self.position < position else { return }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.skipLimit, alignment: 64)
        defer { unsafe buffer.deallocate() }
        while self.position < position {
            let wanted = Int(min(Int64(buffer.count), position - self.position))
            let count = try unsafe self.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[0..<wanted]))
            guard count == wanted else {
                throw ConnectorError.changed(self.file.path, "ends at decompressed byte \(self.position) by now")
            }
        }
    }

    mutating func takeConsumed() -> Int64 {
        defer { self.reported = self.decompressor.offset }
        return self.decompressor.offset - self.reported
    }

    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(ConnectorError) -> Int {
        var produced = 0
        while produced < buffer.count {
            if self.pending.isEmpty { try self.refill() }
            let isLastInput = self.pending.isEmpty
            let progress: CompressionProgress
            do throws(CompressionError) {
                progress = try unsafe self.decompressor.decompress(
                    UnsafeRawBufferPointer(rebasing: self.input[self.pending]),
                    into: UnsafeMutableRawBufferPointer(rebasing: buffer[produced...])
                )
                if isLastInput && progress.producedCount == 0 { try self.decompressor.finish() }
            } catch {
                throw self.failure(error)
            }
            self.pending = self.pending.lowerBound + progress.consumedCount..<self.pending.upperBound
            produced += progress.producedCount
            if progress.producedCount == 0 && progress.consumedCount == 0 {
                guard isLastInput else {
                    throw self.failure(.corrupt(offset: self.decompressor.offset, reason: "no progress is possible"))
                }
                break
            }
        }
        self.position += Int64(produced)
        return produced
    }

    func verifyUnchanged() throws(ConnectorError) {
        try self.file.verify(against: self.status)
    }

    private mutating func refill() throws(ConnectorError) {
        do {
            let count = try unsafe self.file.read(at: self.fileOffset, into: self.input)
            self.fileOffset += Int64(count)
            self.pending = 0..<count
        } catch {
            throw error.error("read '\(self.file.path)' at byte \(self.fileOffset)")
        }
    }

    private func failure(_ error: CompressionError) -> ConnectorError {
        let format = self.decompressor.format.rawValue
        let message =
            "can't decompress '\(self.file.path)' (\(format)): \(error); fetch the file again or check it with "
            + "'\(format) --test'"
        return ConnectorError(.user, retry: .never, message, cause: error)
    }
}
