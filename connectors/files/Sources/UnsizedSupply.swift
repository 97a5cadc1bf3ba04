internal import ConnectorKit

/// The bytes of a file whose size the system doesn't tell, as of those below `/proc`: until there are no more.
struct UnsizedSupply: ByteSupply, ~Copyable {
    private let file: OpenFile
    private(set) var position: Int64 = 0
    private var reported: Int64 = 0

    init(_ file: consuming OpenFile) {
        self.file = file
    }

    mutating func takeConsumed() -> Int64 {
        defer { self.reported = self.position }
        return self.position - self.reported
    }

    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(ConnectorError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count: Int
            do {
                count = try unsafe self.file.read(at: self.position, into: rest)
            } catch {
                throw error.error("read '\(self.file.path)' at byte \(self.position)")
            }
            guard count > 0 else { break }
            filled += count
            self.position += Int64(count)
        }
        return filled
    }

    /// Made anew whenever it is read, it can't be held to what it was.
    func verifyUnchanged() throws(ConnectorError) {}
}

extension OpenFile {
    /// Whether it has content though its size is 0; one that somebody begins to write just now has a size when it does.
    func hidesContent(_ status: FileStatus) throws(SystemFailure) -> Bool {
        guard status.size == 0 else { return false }
        var byte: UInt8 = 0
        // A local's bytes, because a typed error can't pass through the closure's rethrow otherwise.
        let count = try unsafe withUnsafeMutableBytes(of: &byte) { buffer throws(SystemFailure) in
            try unsafe self.read(at: 0, into: buffer)
        }
        guard count > 0 else { return false }
        return try self.status().size == 0
    }
}
