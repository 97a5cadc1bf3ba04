internal import ConnectorKit
internal import FluentSyntax
internal import WireFormat

/// The world of a reduce: takes what it emits and feeds it the values of its key.
struct ReduceHost: ~Copyable, MachineHost {
    var output: PartitionWriter
    var values = GroupValues.none
    private(set) var merger = RunMerger()
    private var spool: GroupSpool?

    /// Merged values of the current group that were passed so far.
    private var passedCount: Int64 = 0
    private let store: any SpillStore

    /// Those of a `count-distinct` that is under way.
    private var distinct: DistinctKeys?
    private let distinctBytesLimit: Int

    /// Emitted pairs wait here for the end of their group where a failing group must leave nothing behind.
    private var pairs = PairBuffer()
    private let isStaging: Bool

    /// What made an `emit` or the next value impossible: the lambda only sees that it failed.
    var failure: EngineError?

    /// Distinct keys of more than `distinctBytesLimit` bytes are spilled.
    init(output: consuming PartitionWriter, store: any SpillStore, isStaging: Bool, distinctBytesLimit: Int) {
        self.distinctBytesLimit = distinctBytesLimit
        self.output = output
        self.store = store
        self.isStaging = isStaging
    }

    mutating func setMerger(_ merger: consuming RunMerger) { self.merger = merger }

    mutating func advanceMerger() throws(SpillError) { try self.merger.advance() }

    mutating func emit(key: Value, value: Value) throws(EvaluationError) {
        let nowhere = SourceRange(start: 0, end: 0)
        if let tag = key.firstUnstorable ?? value.firstUnstorable {
            let expected = "a value that can be written"
            throw EvaluationError(
                .typeMismatch(operation: "emit", expected: expected, found: tag.typeName),
                at: nowhere
            )
        }
        if self.isStaging {
            do {
                try self.pairs.append(key: key, value: value)
            } catch {
                throw EvaluationError(error, at: nowhere)
            }
            return
        }
        do {
            try self.output.write(key: key, value: value)
        } catch {
            self.failure = error
            throw EvaluationError(.host(message: "the result can't be written"), at: nowhere)
        }
    }

    /// Writes the pairs of a group that succeeded, or forgets those of one that failed.
    mutating func endGroup(isKept: Bool, in arena: inout Arena) throws(EngineError) {
        guard self.isStaging else { return }
        defer { self.pairs.removeAll() }
        guard isKept else { return }
        for index in 0..<self.pairs.count {
            do {
                let key = try self.pairs.key(index, in: &arena)
                let value = unsafe try self.pairs.value(self.pairs.values[index], in: &arena)
                try self.output.write(key: key, value: value)
            } catch let error as EngineError {
                throw error
            } catch {
                throw .corrupt("can't decode an emitted pair: \(error)")
            }
        }
    }

    mutating func next(of stream: Int, in arena: inout Arena) throws(EvaluationError) -> Value? {
        do {
            return try self.nextValue(in: &arena)
        } catch let error as SpillError {
            self.failure = .spill(error)
        } catch ValueDecodingError.outOfMemory {
            throw EvaluationError(.memoryLimit(bytes: Int64(arena.limitBytes)), at: SourceRange(start: 0, end: 0))
        } catch {
            self.failure = .corrupt("can't decode a value: \(error)")
        }
        throw EvaluationError(.host(message: "the values can't be read"), at: SourceRange(start: 0, end: 0))
    }

    private mutating func nextValue(in arena: inout Arena) throws -> Value? {
        switch self.values {
        case .none: return nil
        case .chain(let first, var next):
            guard let bytes = next.next() else { return nil }
            self.values = .chain(first: first, next: next)
            return try ValueCodec.decode(bytes, in: &arena, text: .borrowed)
        case .merged(let key):
            guard let cursor = self.merger.current, key.isEqual(to: cursor.keyed) else { return nil }
            let bytes = cursor.valueBytes
            try self.spool?.append(bytes)
            let value = try ValueCodec.decode(bytes, in: &arena, text: .copied)
            try self.passMerged()
            return value
        case .replayed:
            guard let bytes = try self.spool?.next() else { return nil }
            return try ValueCodec.decode(bytes, in: &arena, text: .copied)
        }
    }

    mutating func rewind(_ stream: Int) throws(EvaluationError) {
        do {
            switch self.values {
            case .none: return
            case .chain(let first, _): self.values = .chain(first: first, next: first)
            case .merged:
                try self.skipMerged()
                try self.spool?.rewind()
                self.values = .replayed
            case .replayed: try self.spool?.rewind()
            }
        } catch {
            self.failure = .spill(error)
            throw EvaluationError(.host(message: "the values can't be read again"), at: SourceRange(start: 0, end: 0))
        }
    }

    mutating func spill(
        distinct keys: borrowing EncodedKeySet,
        isFirst: Bool
    ) throws(EvaluationError) -> Bool {
        if isFirst { self.distinct = DistinctKeys(bytesLimit: self.distinctBytesLimit, store: self.store) }
        do throws(EngineError) {
            try self.distinct?.insert(keys)
            return true
        } catch {
            throw self.fail(error)
        }
    }

    mutating func countSpilledKeys() throws(EvaluationError) -> Int64 {
        defer { self.distinct = nil }
        do throws(EngineError) {
            return try self.distinct?.count() ?? 0
        } catch {
            throw self.fail(error)
        }
    }

    /// Notes why the group can't go on, which the lambda doesn't see.
    private mutating func fail(_ error: EngineError) -> EvaluationError {
        self.failure = error
        let message = "the distinct values can't be counted"
        return EvaluationError(.host(message: message), at: SourceRange(start: 0, end: 0))
    }

    /// Begins the group that the merger is at.
    mutating func beginMerged(_ key: OwnedKey) {
        self.values = .merged(key)
        self.passedCount = 0
        self.spool = GroupSpool(store: self.store)
    }

    /// Goes on behind the group, whether or not its values were all read.
    mutating func endMerged(_ key: OwnedKey) throws(SpillError) {
        self.spool = nil
        self.values = .none
        while let cursor = self.merger.current, key.isEqual(to: cursor.keyed) { try self.merger.advance() }
    }

    /// Reads the rest of the group into the spool.
    private mutating func skipMerged() throws(SpillError) {
        guard case .merged(let key) = self.values else { return }
        while let cursor = self.merger.current, key.isEqual(to: cursor.keyed) {
            try self.spool?.append(cursor.valueBytes)
            try self.passMerged()
        }
    }

    private mutating func passMerged() throws(SpillError) {
        self.passedCount &+= 1
        try self.merger.advance()
    }

    /// How many values the current group has: merged ones are passed, and can't be read after that.
    mutating func countValues() throws(EngineError) -> Int64 {
        switch self.values {
        case .none: return 0
        case .chain(var next, _):
            var count: Int64 = 0
            while next.next() != nil { count += 1 }
            return count
        case .merged(let key):
            do {
                while let cursor = self.merger.current, key.isEqual(to: cursor.keyed) { try self.passMerged() }
            } catch {
                throw .spill(error)
            }
            return self.passedCount
        case .replayed: return self.passedCount
        }
    }
}

/// Where the values of the current group come from.
enum GroupValues {
    case none
    case chain(first: ValueChain, next: ValueChain)
    /// The rows that the merger is at.
    case merged(OwnedKey)
    /// A second look at merged rows.
    case replayed
}

extension RunCursor {
    /// The encoded value of the row here: valid until the next ``advance()``.
    var valueBytes: Bytes {
        let row = self.row
        return unsafe Bytes(start: row.payload.assumingMemoryBound(to: UInt8.self), count: row.payloadBytes)
    }
}
