import Compression
import CoreTypes
import Environment
import RaftCore

/// What must survive besides the log, in two slots that are written in turn: one that is torn leaves the other.
///
/// Each slot holds its content twice, a block apart, so that a damaged block loses nothing. The newest that can be read
/// counts. Content: ``magic``, its number, term, whether there is a vote and for whom, whether there is a repair floor and
/// which, the known end of the log, and the CRC-32 of all that.
struct HardStateSlots {
    struct Content: Hashable {
        var hardState = HardState()
        var known = KnownEnd()
    }

    static let fileName = "state"
    static let draftName = "state.new"

    private static let magic: UInt32 = 0x5352_4557
    private static let copyBytes = LogRecovery.blockBytes
    private static let slotBytes = 2 * Self.copyBytes
    private static let fileBytes = 2 * Self.slotBytes

    /// Of the newest slot.
    private var number: UInt64 = 0
    private let file: any DiskFile

    /// Begins a new file, which takes the place of the one that was there.
    init(_ content: Content, number: UInt64, disk: any Disk, directory: String) throws(EnvironmentError) {
        let draft = "\(directory)/\(Self.draftName)"
        do {
            try disk.remove(draft)
        } catch {
            guard error.reason == .notFound else { throw error }
        }
        self.file = try disk.createFile(draft)
        try self.file.append([UInt8](repeating: 0, count: Self.fileBytes))
        self.number = number
        try self.write(content)
        try disk.rename(draft, to: "\(directory)/\(Self.fileName)")
        try disk.synchronizeDirectory(directory)
    }

    /// It is durable when this returns.
    mutating func write(_ content: Content) throws(EnvironmentError) {
        self.number += 1
        let bytes = Self.encode(content, self.number)
        let start = Int64(self.number % 2) * Int64(Self.slotBytes)
        for copy in 0..<Int64(2) {
            try self.file.write(bytes, at: start + copy * Int64(Self.copyBytes))
        }
        try self.file.synchronize()
    }

    // MARK: Reading

    /// The newest content that can be read, and its number; nil where there is none.
    static func newest(in bytes: [UInt8]) -> (content: Content, number: UInt64)? {
        stride(from: 0, to: Self.fileBytes, by: Self.copyBytes).compactMap { Self.decode(bytes, at: $0) }
            .max { $0.number < $1.number }
    }

    private static func encode(_ content: Content, _ number: UInt64) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.magic)
        writer.append(number)
        writer.append(content.hardState.term.rawValue)
        writer.append(UInt8(content.hardState.votedFor == nil ? 0 : 1))
        EntryCoding.append(content.hardState.votedFor ?? ReplicaID(node: 0), to: &writer)
        writer.append(UInt8(content.hardState.repairFloor == nil ? 0 : 1))
        EntryCoding.append(content.hardState.repairFloor ?? .zero, to: &writer)
        writer.append(content.known.nextRecord)
        EntryCoding.append(content.known.position, to: &writer)
        writer.append(unsafe writer.bytes.withUnsafeBytes { unsafe CRC32.checksum($0) })
        return writer.bytes
    }

    private static func decode(_ bytes: [UInt8], at offset: Int) -> (content: Content, number: UInt64)? {
        guard offset < bytes.count else { return nil }
        var reader = ByteReader(bytes[offset...])
        guard reader.read(UInt32.self) == Self.magic, let number = reader.read(UInt64.self),
            let term = reader.read(UInt64.self), let hasVote = reader.read(UInt8.self),
            let vote = EntryCoding.replica(&reader), let hasFloor = reader.read(UInt8.self),
            let floor = EntryCoding.position(&reader), let next = reader.read(UInt64.self),
            let position = EntryCoding.position(&reader)
        else { return nil }
        let end = bytes.endIndex - reader.count
        let checksum = unsafe bytes[offset..<end].withUnsafeBytes { unsafe CRC32.checksum($0) }
        guard reader.read(UInt32.self) == checksum else { return nil }
        let hardState = HardState(
            term: Term(rawValue: term),
            votedFor: hasVote == 1 ? vote : nil,
            repairFloor: hasFloor == 1 ? floor : nil
        )
        return (Content(hardState: hardState, known: KnownEnd(nextRecord: next, position: position)), number)
    }
}
