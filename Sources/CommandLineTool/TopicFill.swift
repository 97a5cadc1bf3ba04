import ArgumentParser
import ConnectorCatalog
import ConnectorKit
import Environment
import Platform

/// A topic of the development broker, and the file whose lines it gets.
struct TopicFill: Hashable, Sendable {
    let topic: String
    let path: String

    /// A longer line isn't a record.
    private static let lineBytesLimit = 1 << 20
    private static let chunkBytes = 256 << 10

    /// How long the broker of the same process may take for a chunk.
    private static let patienceMilliseconds: Int64 = 100
    private static let patienceLimit = 100

    /// Of `topic=file`.
    static func parse(_ text: String) throws -> TopicFill {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { throw ValidationError("write a topic and a file, as in clicks=events.jsonl") }
        return TopicFill(topic: String(parts[0]), path: String(parts[1]))
    }

    /// Puts each line into the topic, and answers how many.
    func perform(_ run: DevelopmentRun) throws(ConnectorError) -> Int64 {
        let doorbell = Doorbell()
        let writer = try run.makeWriter(topic: self.topic) { doorbell.ring() }
        defer { writer.close() }
        var cutter = LineCutter(lineBytesLimit: Self.lineBytesLimit)
        var count: Int64 = 0
        var bytes: Int64 = 0
        do {
            let file = try LocalDisk().openFile(self.path)
            let size = try file.size
            guard size <= DevelopmentRun.topicBytesLimit else { throw self.failure("it has \(Quantity.bytes(size))") }
            let block = OutputBlock()
            while bytes < size {
                var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
                let result = unsafe chunk.withUnsafeMutableBytes { buffer in
                    Result { () throws(EnvironmentError) in try unsafe file.read(at: bytes, into: buffer) }
                }
                let readCount = try result.get()
                guard readCount > 0 else { break }
                bytes += Int64(readCount)
                guard cutter.add(chunk.prefix(readCount), isLast: bytes >= size, to: block) else {
                    throw self.failure("a line is longer than \(Quantity.bytes(Int64(Self.lineBytesLimit)))")
                }
                count += Int64(block.count)
                try Self.write(block, to: writer, doorbell)
            }
        } catch let error as ConnectorError {
            throw error
        } catch {
            throw ConnectorError(.user, retry: .never, "can't fill topic \(self.topic) from '\(self.path)': \(error)")
        }
        try Self.wait(doorbell, "fill topic \(self.topic)") { () throws(ConnectorError) in try writer.flush() }
        return count
    }

    private static func write(
        _ block: OutputBlock,
        to writer: any StreamWriter,
        _ doorbell: Doorbell
    ) throws(ConnectorError) {
        var taken = 0
        try self.wait(doorbell, "write to the development broker") { () throws(ConnectorError) in
            taken += try writer.write(block, from: taken)
            return taken == block.count
        }
        block.removeAll()
    }

    /// Tries until it is done; gives up when nothing moves.
    private static func wait(
        _ doorbell: Doorbell,
        _ attempt: String,
        _ isDone: () throws(ConnectorError) -> Bool
    ) throws(ConnectorError) {
        for _ in 0..<self.patienceLimit {
            if try isDone() { return }
            doorbell.wait(milliseconds: self.patienceMilliseconds)
        }
        throw ConnectorError(.internal, retry: .never, "can't \(attempt): it takes too long")
    }

    private func failure(_ reason: String) -> ConnectorError {
        let limit = Quantity.bytes(DevelopmentRun.topicBytesLimit)
        return ConnectorError(
            .user,
            retry: .never,
            "can't fill topic \(self.topic) from '\(self.path)': \(reason), and the development broker keeps \(limit) a topic; "
                + "give it a part of the file"
        )
    }
}

/// Cuts bytes that come in chunks into lines, without their ends.
struct LineCutter {
    let lineBytesLimit: Int
    private var rest: [UInt8] = []

    init(lineBytesLimit: Int) {
        self.lineBytesLimit = lineBytesLimit
    }

    /// Adds the lines that are whole, and where it is the last chunk what is left; empty ones are left out.
    ///
    /// - Returns: False where a line is too long.
    mutating func add(_ chunk: ArraySlice<UInt8>, isLast: Bool, to block: OutputBlock) -> Bool {
        self.rest += chunk
        var start = 0
        while let end = self.rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
            self.append(start..<end, to: block)
            start = end + 1
        }
        if isLast { self.append(start..<self.rest.count, to: block) }
        self.rest.removeFirst(isLast ? self.rest.count : start)
        return self.rest.count <= self.lineBytesLimit
    }

    private func append(_ range: Range<Int>, to block: OutputBlock) {
        let line = self.rest[range].last == UInt8(ascii: "\r") ? self.rest[range].dropLast() : self.rest[range]
        guard !line.isEmpty else { return }
        unsafe line.withUnsafeBytes { unsafe block.append(key: nil, value: $0, timestamp: nil) }
    }
}
