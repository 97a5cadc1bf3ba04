package import CoreTypes

/// What a client asks of the replicated store; values are never 0, which stands for "absent".
package struct KeyValueCommand: Hashable, Sendable {
    package enum Operation: Hashable, Sendable {
        case write(UInt32)
        case compareAndSet(expected: UInt32, new: UInt32)
    }

    package var client: Int

    /// Grows with each operation of a client: one that is tried again has the same, and takes effect once.
    package var sequence: UInt32
    package var key: Int
    package var operation: Operation

    package init(client: Int, sequence: UInt32, key: Int, operation: Operation) {
        self.client = client
        self.sequence = sequence
        self.key = key
        self.operation = operation
    }

    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(15)
        let (tag, first, second): (UInt8, UInt32, UInt32) =
            switch self.operation {
            case .write(let value): (0, value, 0)
            case .compareAndSet(let expected, let new): (1, expected, new)
            }
        bytes.append(tag)
        bytes.append(UInt8(self.client))
        bytes.append(UInt8(self.key))
        for number in [self.sequence, first, second] { bytes.append(number: number) }
        return bytes
    }

    /// Nil for bytes that no command encodes to.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 15 else { return nil }
        self.client = Int(bytes[1])
        self.key = Int(bytes[2])
        self.sequence = bytes.number(at: 3)
        switch bytes[0] {
        case 0: self.operation = .write(bytes.number(at: 7))
        case 1: self.operation = .compareAndSet(expected: bytes.number(at: 7), new: bytes.number(at: 11))
        default: return nil
        }
    }
}

/// The replicated store: a register for each key, and what each client's last command came to.
package struct KeyValueMachine: Hashable, Sendable {
    package struct Session: Hashable, Sendable {
        package var sequence: UInt32 = 0
        package var isDone = false
    }

    package private(set) var values: [UInt32]
    package private(set) var sessions: [Session]
    package private(set) var appliedIndex = LogIndex.zero

    package init(keyCount: Int, clientCount: Int) {
        self.values = Array(repeating: 0, count: keyCount)
        self.sessions = Array(repeating: Session(), count: clientCount)
    }

    /// Applies the entry at the next index; an empty one only counts.
    package mutating func apply(_ command: KeyValueCommand?, at index: LogIndex) {
        self.appliedIndex = index
        guard let command, command.sequence > self.sessions[command.client].sequence else { return }
        var isDone = true
        switch command.operation {
        case .write(let value): self.values[command.key] = value
        case .compareAndSet(let expected, let new):
            isDone = self.values[command.key] == expected
            if isDone { self.values[command.key] = new }
        }
        self.sessions[command.client] = Session(sequence: command.sequence, isDone: isDone)
    }

    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        for value in self.values { bytes.append(number: value) }
        for session in self.sessions {
            bytes.append(number: session.sequence)
            bytes.append(session.isDone ? 1 : 0)
        }
        return bytes
    }

    /// Takes the state that `encoded` gave for a machine of the same size; false, and unchanged, for anything else.
    package mutating func restore(_ bytes: [UInt8], at index: LogIndex) -> Bool {
        guard bytes.count == 4 * self.values.count + 5 * self.sessions.count else { return false }
        for key in self.values.indices { self.values[key] = bytes.number(at: 4 * key) }
        let start = 4 * self.values.count
        for client in self.sessions.indices {
            let offset = start + 5 * client
            self.sessions[client] = Session(sequence: bytes.number(at: offset), isDone: bytes[offset + 4] == 1)
        }
        self.appliedIndex = index
        return true
    }
}

extension [UInt8] {
    fileprivate mutating func append(number: UInt32) {
        for shift in [0, 8, 16, 24] as [UInt32] { self.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    fileprivate func number(at offset: Int) -> UInt32 {
        UInt32(self[offset]) | UInt32(self[offset + 1]) << 8 | UInt32(self[offset + 2]) << 16
            | UInt32(self[offset + 3]) << 24
    }
}
