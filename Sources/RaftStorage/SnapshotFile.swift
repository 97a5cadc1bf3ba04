import Compression
package import CoreTypes
package import Environment
package import RaftCore

/// A snapshot on disk: chunks of ``chunkBytes``, each with the CRC-32 of its number and its bytes behind it; then what it stands
/// for, the length of that, its CRC-32 and ``magic``.
package struct SnapshotFile: Sendable {
    package let metadata: SnapshotMetadata
    private let file: any DiskFile

    static let chunkBytes = 64 << 10
    private static let checksumBytes = 4
    private static let tailBytes = 12
    static let magic: UInt32 = 0x5053_4557

    /// What a snapshot stands for takes less.
    private static let metadataLimit = 1 << 20
    private static let prefix = "snapshot"
    static let draftName = "snapshot.new"

    static func name(_ position: LogPosition) -> String {
        let numbers = [position.term.rawValue, position.index.rawValue].map { String($0, radix: 16) }
        return ([Self.prefix] + numbers).joined(separator: "-")
    }

    /// Nil where a file isn't a snapshot.
    static func position(_ name: String) -> LogPosition? {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = parts.dropFirst().compactMap { UInt64($0, radix: 16) }
        guard parts.count == 3, parts[0] == Self.prefix, numbers.count == 2 else { return nil }
        let position = LogPosition(term: Term(rawValue: numbers[0]), index: LogIndex(rawValue: numbers[1]))
        return Self.name(position) == name ? position : nil
    }

    // MARK: Reading

    /// Opens it and reads what it stands for; nil where that isn't whole.
    init?(_ path: String, position: LogPosition, disk: any Disk) throws(EnvironmentError) {
        self.file = try disk.openFile(path)
        let size = Int(try self.file.size)
        guard size >= Self.tailBytes else { return nil }
        var tail = ByteReader(try self.file.read(at: Int64(size - Self.tailBytes), count: Self.tailBytes)[...])
        guard let count = tail.read(UInt32.self).map(Int.init), let checksum = tail.read(UInt32.self),
            tail.read(UInt32.self) == Self.magic, count <= Self.metadataLimit, count <= size - Self.tailBytes
        else { return nil }
        let bytes = try self.file.read(at: Int64(size - Self.tailBytes - count), count: count)
        var reader = ByteReader(bytes[...])
        guard checksum == Self.checksum(bytes[...], behind: UInt32(count)), let found = EntryCoding.position(&reader),
            let membership = EntryCoding.membership(&reader), let byteCount = reader.read(UInt64.self).map(Int.init),
            found == position, size == Self.fileBytes(ofContent: byteCount, metadata: count)
        else { return nil }
        self.metadata = SnapshotMetadata(position: found, membership: membership, byteCount: byteCount)
    }

    private static func fileBytes(ofContent count: Int, metadata: Int) -> Int {
        count + (count + Self.chunkBytes - 1) / Self.chunkBytes * Self.checksumBytes + metadata + Self.tailBytes
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>, behind former: UInt32) -> UInt32 {
        unsafe bytes.withUnsafeBytes { unsafe CRC32.checksum($0, behind: former) }
    }

    /// Bytes of the state from `offset` on.
    package func read(at offset: Int, count: Int) throws(RaftStorageError) -> [UInt8] {
        precondition(offset >= 0 && count >= 0 && offset + count <= self.metadata.byteCount, "a part of the state")
        var result: [UInt8] = []
        var chunk = offset / Self.chunkBytes
        while result.count < count {
            let bytes = try self.chunk(chunk)
            let skipped = max(0, offset - chunk * Self.chunkBytes)
            result += bytes.dropFirst(skipped).prefix(count - result.count)
            chunk += 1
        }
        return result
    }

    private func chunk(_ number: Int) throws(RaftStorageError) -> ArraySlice<UInt8> {
        let start = number * Self.chunkBytes
        let count = min(Self.chunkBytes, self.metadata.byteCount - start)
        let bytes: [UInt8]
        do {
            let place = start + number * Self.checksumBytes
            bytes = try self.file.read(at: Int64(place), count: count + Self.checksumBytes)
        } catch {
            throw .disk(error)
        }
        let content = bytes.prefix(count)
        var reader = ByteReader(bytes.dropFirst(count))
        guard reader.read(UInt32.self) == Self.checksum(content, behind: UInt32(truncatingIfNeeded: number)) else {
            throw .snapshotDamaged(self.metadata.position, reason: "the checksum of chunk \(number) is another one")
        }
        return content
    }

    /// Reads everything.
    package func verify() throws(RaftStorageError) {
        var offset = 0
        while offset < self.metadata.byteCount {
            _ = try self.chunk(offset / Self.chunkBytes)
            offset += Self.chunkBytes
        }
    }

    // MARK: Writing

    /// Takes the state in parts of any size.
    package struct Writer {
        let file: any DiskFile
        private var open: [UInt8] = []
        private var chunkCount = 0
        private var byteCount = 0

        init(_ file: any DiskFile) { self.file = file }

        package mutating func append(_ bytes: some Collection<UInt8>) throws(EnvironmentError) {
            self.open += bytes
            self.byteCount += bytes.count
            while self.open.count >= SnapshotFile.chunkBytes {
                try self.writeChunk(self.open.prefix(SnapshotFile.chunkBytes))
                self.open.removeFirst(SnapshotFile.chunkBytes)
            }
        }

        private mutating func writeChunk(_ bytes: ArraySlice<UInt8>) throws(EnvironmentError) {
            var writer = ByteWriter()
            writer.append(bytes)
            writer.append(SnapshotFile.checksum(bytes, behind: UInt32(truncatingIfNeeded: self.chunkCount)))
            self.chunkCount += 1
            try self.file.append(writer.bytes)
        }

        /// Ends the file and makes it durable; it has no name of its own yet.
        mutating func finish(_ position: LogPosition, _ membership: Membership) throws(EnvironmentError) {
            if !self.open.isEmpty { try self.writeChunk(self.open[...]) }
            self.open = []
            var metadata = ByteWriter()
            EntryCoding.append(position, to: &metadata)
            EntryCoding.append(membership, to: &metadata)
            metadata.append(UInt64(self.byteCount))
            let count = UInt32(metadata.bytes.count)
            let checksum = SnapshotFile.checksum(metadata.bytes[...], behind: count)
            metadata.append(count)
            metadata.append(checksum)
            metadata.append(SnapshotFile.magic)
            try self.file.append(metadata.bytes)
            try self.file.synchronize()
        }
    }
}

extension RaftLogStore {
    /// Begins to write a snapshot; one that was begun before and not installed is given up.
    package func makeSnapshot() throws(EnvironmentError) -> SnapshotFile.Writer {
        let path = "\(self.directory)/\(SnapshotFile.draftName)"
        do {
            try self.disk.remove(path)
        } catch {
            guard error.reason == .notFound else { throw error }
        }
        return SnapshotFile.Writer(try self.disk.createFile(path))
    }

    /// Makes a snapshot the newest; what it stands for counts from here on, and others are removed.
    package func install(
        _ writer: SnapshotFile.Writer,
        position: LogPosition,
        membership: Membership
    ) throws(RaftStorageError) {
        var writer = writer
        do {
            try writer.finish(position, membership)
            let name = SnapshotFile.name(position)
            try self.disk.rename("\(self.directory)/\(SnapshotFile.draftName)", to: "\(self.directory)/\(name)")
            try self.disk.synchronizeDirectory(self.directory)
            self.snapshot = try SnapshotFile("\(self.directory)/\(name)", position: position, disk: self.disk)
            for other in try self.disk.list(self.directory) where other != name && SnapshotFile.position(other) != nil {
                try self.disk.remove("\(self.directory)/\(other)")
            }
        } catch {
            throw .disk(error)
        }
        guard self.snapshot != nil else {
            throw .snapshotDamaged(position, reason: "it was written just now, and something else is read")
        }
    }

    /// Opens the newest snapshot that is whole.
    ///
    /// One that is damaged stays where it is: it says that the log isn't all there ever was.
    ///
    /// - Returns: The position of a newer one, which is damaged.
    func findSnapshot(_ names: [String]) throws(EnvironmentError) -> LogPosition? {
        var damaged: LogPosition?
        let positions = names.compactMap { SnapshotFile.position($0) }.sorted { $0.index > $1.index }
        for position in positions {
            let path = "\(self.directory)/\(SnapshotFile.name(position))"
            if let found = try SnapshotFile(path, position: position, disk: self.disk), try Self.isWhole(found) {
                self.snapshot = found
                break
            }
            damaged = max(damaged ?? .zero, position)
        }
        return damaged
    }

    private static func isWhole(_ snapshot: SnapshotFile) throws(EnvironmentError) -> Bool {
        do {
            try snapshot.verify()
            return true
        } catch {
            switch error {
            case .disk(let error): throw error
            case .snapshotDamaged, .hardStateLost, .notEmpty: return false
            }
        }
    }
}
