internal import JobPlan
internal import WireFormat

/// The receiving end of a shuffle: what every key has got so far, in memory or in sorted runs.
@safe
struct ReduceTables: ~Copyable {
    enum Kind: Equatable {
        case aggregates([IntegerColumn])
        case groups
    }

    let kind: Kind
    let routing: Routing
    var aggregation: Aggregation
    var groups = GroupTable()
    private let bytesLimit: Int
    private let store: any SpillStore
    private(set) var runs: [SortedRun] = []

    /// Bytes on disk of all runs ever written.
    private(set) var spilledBytes: Int64 = 0

    /// Runs ever written, those that others were merged into included.
    private(set) var spilledRunCount = 0

    /// Runs of one level that are merged into one of the next, so that a merge reads few files at a time.
    private static let fanIn = 24

    init(kind: Kind, routing: Routing, bytesLimit: Int, store: any SpillStore) {
        self.kind = kind
        self.routing = routing
        self.bytesLimit = bytesLimit
        self.store = store
        if case .aggregates(let columns) = kind {
            self.aggregation = Aggregation(columns: columns)
        } else {
            self.aggregation = Aggregation(columns: [.count])
        }
    }

    mutating func receive(_ batch: RecordBatch) throws(EngineError) {
        if self.kind == .groups {
            self.groups.merge(batch)
        } else {
            do {
                try self.aggregation.merge(batch)
            } catch {
                throw .corrupt("can't decode an aggregate state: \(error)")
            }
        }
        let isGrouping = self.kind == .groups
        let bytes = isGrouping ? self.groups.bytes : self.aggregation.bytes
        let keyCount = isGrouping ? self.groups.keyCount : self.aggregation.keyCount
        let mustSpill =
            bytes + keyCount * RowOrder.bytesPerRow > self.bytesLimit
            || (isGrouping
                ? self.groups.isAboutToGrow(beyond: self.bytesLimit)
                : self.aggregation.isAboutToGrow && self.aggregation.bytesAtNextGrowth > self.bytesLimit)
        if mustSpill { try self.spill() }
    }

    /// Writes what is in memory to disk, if anything was spilled before: what is left must then be read in order too.
    mutating func finish() throws(EngineError) {
        let keyCount = self.kind == .groups ? self.groups.keyCount : self.aggregation.keyCount
        if !self.runs.isEmpty, keyCount > 0 { try self.spill() }
    }

    /// The rows in memory, partition by partition.
    func order(isSorted: Bool) -> RowOrder {
        if self.kind == .groups {
            return RowOrder(short: self.groups.short, long: self.groups.long, routing: self.routing, isSorted: isSorted)
        }
        if self.aggregation.form == .integers {
            return RowOrder(
                short: self.aggregation.integers.short,
                long: self.aggregation.integers.long,
                routing: self.routing,
                isSorted: isSorted
            )
        }
        return RowOrder(
            short: self.aggregation.states.short,
            long: self.aggregation.states.long,
            routing: self.routing,
            isSorted: isSorted
        )
    }

    private mutating func spill() throws(EngineError) {
        do {
            let run = self.kind == .groups ? try self.spillGroups() : try self.spillAggregates()
            self.note(run)
            self.runs.append(run)
            try self.mergeLevels()
        } catch {
            throw .spill(error)
        }
    }

    private mutating func spillAggregates() throws(SpillError) -> SortedRun {
        let form = self.aggregation.form
        let columnBytes = 8 * self.aggregation.integers.columns.count
        let order = self.order(isSorted: true)
        var writer = try SortedRunWriter(store: self.store, form: form)
        var buffer = ByteBuffer()
        for index in 0..<order.count {
            let row = order.row(at: index)
            if form == .integers {
                unsafe try writer.append(
                    row.key,
                    longKey: row.longKey,
                    payload: row.payload,
                    payloadBytes: columnBytes
                )
            } else {
                buffer.removeAll()
                Aggregation.state(of: row).encode(into: &buffer)
                unsafe try writer.append(
                    row.key,
                    longKey: row.longKey,
                    payload: UnsafeRawPointer(buffer.bytes.start),
                    payloadBytes: buffer.count
                )
            }
        }
        self.aggregation.removeAll()
        return try writer.finish()
    }

    private mutating func spillGroups() throws(SpillError) -> SortedRun {
        let order = self.order(isSorted: true)
        var writer = try SortedRunWriter(store: self.store, form: .value)
        for index in 0..<order.count {
            let row = order.row(at: index)
            var values = GroupTable.firstValue(of: row)
            while let value = values.next() {
                unsafe try writer.append(
                    row.key,
                    longKey: row.longKey,
                    payload: UnsafeRawPointer(value.start),
                    payloadBytes: value.count
                )
            }
        }
        self.groups.removeAll()
        return try writer.finish()
    }

    /// Keeps the number of runs low: ``fanIn`` of a level become one of the next.
    private mutating func mergeLevels() throws(SpillError) {
        while let level = self.runs.last?.level {
            let members = self.runs.suffix(while: { $0.level == level })
            guard members.count >= Self.fanIn else { return }
            let merged = try self.merged(Array(members), level: level + 1)
            self.runs.removeLast(members.count)
            self.runs.append(merged)
            self.note(merged)
        }
    }

    private mutating func note(_ run: SortedRun) {
        self.spilledBytes += run.run.storedBytes
        self.spilledRunCount += 1
    }

    private func merged(_ runs: [SortedRun], level: Int) throws(SpillError) -> SortedRun {
        var merger = try RunMerger(runs, routing: self.routing)
        // Runs differ in form only where values of another type appeared on the way: then all go over to states.
        let isUniform = runs.allSatisfy { $0.form == runs[0].form }
        let form = isUniform ? runs[0].form : .states
        var writer = try SortedRunWriter(store: self.store, form: form, level: level)
        var buffer = ByteBuffer()
        while let cursor = merger.current {
            let row = cursor.row
            let keyed = cursor.keyed
            if form == cursor.form {
                unsafe try writer.append(
                    keyed.key,
                    longKey: keyed.longKey,
                    payload: row.payload,
                    payloadBytes: row.payloadBytes
                )
            } else {
                buffer.removeAll()
                self.aggregation.state(of: keyed, form: .integers).encode(into: &buffer)
                unsafe try writer.append(
                    keyed.key,
                    longKey: keyed.longKey,
                    payload: UnsafeRawPointer(buffer.bytes.start),
                    payloadBytes: buffer.count
                )
            }
            try merger.advance()
        }
        return try writer.finish()
    }
}

extension GroupTable {
    func isAboutToGrow(beyond limit: Int) -> Bool {
        let slack = 4_096
        let isNear =
            self.short.count + slack >= self.short.growthCount || self.long.count + slack >= self.long.growthCount
        return isNear && self.bytesAtNextGrowth > limit
    }
}

extension Array {
    /// The longest run of elements at the end that all satisfy `condition`.
    fileprivate func suffix(while condition: (Element) -> Bool) -> ArraySlice<Element> {
        let start = self.lastIndex(where: { !condition($0) }).map { $0 + 1 } ?? 0
        return self[start...]
    }
}
