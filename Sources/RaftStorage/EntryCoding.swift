import CoreTypes
import RaftCore

/// Entries, positions and memberships as bytes.
enum EntryCoding {
    /// Members that a membership may name; more isn't one that was written.
    static let membersLimit = 4_096

    private enum Kind {
        static let empty: UInt8 = 0
        static let command: UInt8 = 1
        static let membership: UInt8 = 2
    }

    static func append(_ entry: LogEntry, to writer: inout ByteWriter) {
        self.append(entry.position, to: &writer)
        switch entry.payload {
        case .empty: writer.append(Kind.empty)
        case .command(let bytes):
            writer.append(Kind.command)
            writer.append(bytes)
        case .membership(let membership):
            writer.append(Kind.membership)
            self.append(membership, to: &writer)
        }
    }

    /// Nil where the bytes aren't those of one entry, and nothing else.
    static func entry(_ bytes: ArraySlice<UInt8>) -> LogEntry? {
        var reader = ByteReader(bytes)
        guard let position = self.position(&reader), let kind = reader.read(UInt8.self) else { return nil }
        let payload: LogEntry.Payload
        switch kind {
        case Kind.empty: payload = .empty
        case Kind.command: payload = .command(Array(reader.read(count: reader.count) ?? []))
        case Kind.membership:
            guard let membership = self.membership(&reader) else { return nil }
            payload = .membership(membership)
        default: return nil
        }
        guard reader.count == 0 else { return nil }
        return LogEntry(index: position.index, term: position.term, payload: payload)
    }

    static func append(_ position: LogPosition, to writer: inout ByteWriter) {
        writer.append(position.term.rawValue)
        writer.append(position.index.rawValue)
    }

    static func position(_ reader: inout ByteReader) -> LogPosition? {
        guard let term = reader.read(UInt64.self), let index = reader.read(UInt64.self) else { return nil }
        return LogPosition(term: Term(rawValue: term), index: LogIndex(rawValue: index))
    }

    static func append(_ membership: Membership, to writer: inout ByteWriter) {
        for members in [membership.voters, membership.outgoingVoters, membership.learners] {
            writer.append(UInt32(members.count))
            for member in members { self.append(member, to: &writer) }
        }
    }

    static func membership(_ reader: inout ByteReader) -> Membership? {
        guard let voters = self.members(&reader), let outgoing = self.members(&reader),
            let learners = self.members(&reader)
        else { return nil }
        return Membership(voters: voters, outgoingVoters: outgoing, learners: learners)
    }

    private static func members(_ reader: inout ByteReader) -> [ReplicaID]? {
        guard let count = reader.read(UInt32.self), count <= self.membersLimit else { return nil }
        var members: [ReplicaID] = []
        for _ in 0..<count {
            guard let member = self.replica(&reader) else { return nil }
            members.append(member)
        }
        return members
    }

    static func append(_ replica: ReplicaID, to writer: inout ByteWriter) {
        writer.append(replica.node)
        writer.append(replica.incarnation)
    }

    static func replica(_ reader: inout ByteReader) -> ReplicaID? {
        guard let node = reader.read(UInt32.self), let incarnation = reader.read(UInt32.self) else { return nil }
        return ReplicaID(node: node, incarnation: incarnation)
    }
}
