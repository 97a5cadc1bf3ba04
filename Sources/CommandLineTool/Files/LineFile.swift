import Environment
private import Glibc
import Platform

/// A file of lines that is read once from its beginning, a block at a time.
struct LineFile: ~Copyable {
    private static let blockBytes = 256 << 10

    private let name: String
    private let descriptor: Int32
    private let isOwned: Bool

    /// Bytes of a line at most.
    private let lineLimit: Int
    private var block: [UInt8] = []
    private var position = 0
    private var isAtEnd = false

    /// `path` may be `-` for standard input.
    init(_ path: String, lineLimit: Int) throws(EnvironmentError) {
        let isStandardInput = path == ProgramFile.standardInput
        self.name = isStandardInput ? "<input>" : path
        self.lineLimit = lineLimit
        self.isOwned = !isStandardInput
        self.descriptor = isStandardInput ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard self.descriptor >= 0 else { throw EnvironmentError.last("read '\(path)'") }
    }

    deinit {
        if self.isOwned { close(self.descriptor) }
    }

    /// The next line without its end; nil behind the last one.
    mutating func next() throws(EnvironmentError) -> [UInt8]? {
        var searched = self.position
        while true {
            if let end = self.block[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { self.position = end + 1 }
                return Array(self.block[self.position..<end])
            }
            guard self.block.count - self.position <= self.lineLimit else {
                throw EnvironmentError.system(
                    "read '\(self.name)', which has a line of more than \(self.lineLimit) bytes",
                    code: EFBIG
                )
            }
            if self.isAtEnd {
                guard self.position < self.block.count else { return nil }
                defer { self.position = self.block.count }
                return Array(self.block[self.position...])
            }
            self.block.removeFirst(self.position)
            self.position = 0
            searched = self.block.count
            try self.readBlock()
        }
    }

    private mutating func readBlock() throws(EnvironmentError) {
        let before = self.block.count
        self.block += repeatElement(0, count: Self.blockBytes)
        var count = -1
        repeat {
            count = unsafe self.block.withUnsafeMutableBytes { buffer in
                unsafe read(self.descriptor, buffer.baseAddress.unsafelyUnwrapped + before, Self.blockBytes)
            }
        } while count < 0 && errno == EINTR
        self.block.removeLast(Self.blockBytes - max(0, count))
        guard count >= 0 else { throw EnvironmentError.last("read '\(self.name)'") }
        self.isAtEnd = count == 0
    }
}
