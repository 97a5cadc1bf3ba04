internal import ConnectorKit

/// The bytes of a file as they are.
struct PlainSupply: ByteSupply, ~Copyable {
    private let file: OpenFile
    private let status: FileStatus
    private(set) var position: Int64
    private var reported: Int64

    /// Where the bytes that count as this supply's end: what is read beyond is counted by whoever starts there.
    private let countedEnd: Int64

    /// The bytes of a split, from `start` to `end` and on to the end of the last line.
    ///
    /// `status` is of the file when it was opened: what is appended later isn't read.
    init(_ file: consuming OpenFile, status: FileStatus, start: Int64, end: Int64) {
        self.file = file
        self.status = status
        self.position = start
        self.reported = start
        self.countedEnd = end
    }

    /// Moves to where a line begins, at or behind the current position and before `end`.
    ///
    /// - Returns: False where no line begins there.
    mutating func skipToLineStart(before end: Int64) throws(ConnectorError) -> Bool {
        guard self.position > 0 else { return true }
        // The byte before decides: behind a newline, the line that begins here is ours.
        var offset = self.position - 1
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1_024, alignment: 64)
        defer { unsafe memory.deallocate() }
        // Most lines are short: a first look of 4 KiB is enough for them.
        var window = 4 * 1_024
        while offset < end - 1 {
            let wanted = Int(min(Int64(window), end - 1 - offset))
            let buffer = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[0..<wanted])
            let count = try unsafe self.fill(buffer, at: offset)
            if let index = unsafe Newline.first(in: UnsafeRawPointer(memory.baseAddress), from: 0, to: count) {
                self.position = offset + Int64(index) + 1
                return true
            }
            guard count == wanted else { return false }
            offset += Int64(count)
            window = memory.count
        }
        return false
    }

    mutating func takeConsumed() -> Int64 {
        let counted = min(self.position, self.countedEnd)
        defer { self.reported = max(counted, self.reported) }
        return max(counted - self.reported, 0)
    }

    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(ConnectorError) -> Int {
        let count = try unsafe self.fill(buffer, at: self.position)
        self.position += Int64(count)
        return count
    }

    func verifyUnchanged() throws(ConnectorError) {
        try self.file.verify(against: self.status)
    }

    private func fill(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(ConnectorError) -> Int {
        let wanted = min(buffer.count, Int(max(0, self.status.size - offset)))
        var filled = 0
        while filled < wanted {
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<wanted])
            let count: Int
            do {
                count = try unsafe self.file.read(at: offset + Int64(filled), into: rest)
            } catch {
                throw error.error("read '\(self.file.path)' at byte \(offset + Int64(filled))")
            }
            guard count > 0 else {
                throw ConnectorError.changed(self.file.path, "ends at byte \(offset + Int64(filled)) by now")
            }
            filled += count
        }
        return filled
    }
}

extension OpenFile {
    /// Checks that nothing but appending happened to the file since `status` was taken.
    func verify(against status: FileStatus) throws(ConnectorError) {
        let now: FileStatus
        do {
            now = try self.status()
        } catch {
            throw error.error("look at '\(self.path)' again")
        }
        if now.size < status.size {
            throw ConnectorError.changed(self.path, "shrank from \(status.size) to \(now.size) bytes")
        }
        if now.size == status.size && now.modifiedNanoseconds != status.modifiedNanoseconds {
            throw ConnectorError.changed(self.path, "was written to")
        }
    }
}

extension ConnectorError {
    static func changed(_ path: String, _ what: String, file: String = #fileID, line: Int = #line) -> ConnectorError {
        let message = "can't read '\(path)': the file \(what) while it was read; run the job when nobody changes it"
        return ConnectorError(.external, retry: .never, message, file: file, line: line)
    }
}
