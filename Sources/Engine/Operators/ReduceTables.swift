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

    /// Makes the values of a key fewer before they are spilled.
    private var combiner: GroupCombiner?
    private(set) var runs: [SortedRun] = []

    /// Bytes on disk of all runs ever written.
    private(set) var spilledBytes: Int64 = 0

    /// Runs ever written, those that others were merged into included.
    private(set) var spilledRunCount = 0

    /// Runs of one level that are merged into one of the next, so that a merge reads few files at a time.
    private static let fanIn = 24

    init(kind: Kind, combiner: consuming GroupCombiner?, routing: Routing, bytesLimit: Int, store: any SpillStore) {
        self.kind = kind
        self.combiner = combiner
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
            let isDirect = batch.rowCount == 1 && batch.count > self.bytesLimit / Self.directShare
            if isDirect { return try self.spillDirectly(batch) }
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
        // While a table grows, the old one lies beside the new one for a moment: that much, half a table, is lent.
        let mustSpill =
            bytes + keyCount * RowOrder.bytesPerRow > self.bytesLimit
            || (isGrouping
                ? self.groups.isAboutToGrow(beyond: self.bytesLimit)
                : self.aggregation.isAboutToGrow && self.aggregation.bytesAfterGrowth > self.bytesLimit)
        if mustSpill { try self.spill() }
    }

    /// The share of the limit, as a divisor, beyond which a large record's batch isn't copied into the table.
    private static let directShare = 4

    /// Writes the row of a batch to disk from where it lies.
    private mutating func spillDirectly(_ batch: RecordBatch) throws(EngineError) {
        let row = unsafe KeyedRow(RecordRow(batch.base))
        do {
            var writer = try SortedRunWriter(store: self.store, form: batch.form)
            try unsafe writer.append(
                row.key,
                longKey: row.longKey,
                payload: row.payload,
                payloadBytes: RecordRow(batch.base).payloadBytes
            )
            try self.keep(try writer.finish())
        } catch {
            throw .spill(error)
        }
    }

    /// Writes what is in memory to disk, if anything was spilled before: what is left must then be read in order too.
    mutating func finish() throws(EngineError) {
        guard !self.runs.isEmpty else { return }
        let keyCount = self.kind == .groups ? self.groups.keyCount : self.aggregation.keyCount
        if keyCount > 0 { try self.spill() }
        do {
            while let pair = self.runs.lightestHeavyPair(bytesLimit: self.bytesLimit) {
                let merged = try self.merged(pair.map { self.runs[$0] }, level: self.runs[pair[1]].level)
                self.runs[pair[1]] = merged
                self.runs.remove(at: pair[0])
                self.note(merged)
            }
        } catch {
            throw .spill(error)
        }
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
        let groups = self.kind == .groups ? try self.spillGroups() : nil
        do throws(SpillError) {
            let run = if let groups { groups } else { try self.spillAggregates() }
            try self.keep(run)
        } catch {
            throw .spill(error)
        }
    }

    private mutating func keep(_ run: SortedRun) throws(SpillError) {
        self.note(run)
        self.runs.append(run)
        try self.mergeLevels()
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
                self.aggregation.state(of: row).encode(into: &buffer)
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

    private mutating func spillGroups() throws(EngineError) -> SortedRun {
        let order = self.order(isSorted: true)
        do {
            var writer = try SortedRunWriter(store: self.store, form: .value)
            for index in 0..<order.count {
                let row = order.row(at: index)
                var values = GroupTable.firstValue(of: row)
                if try self.combiner?.combine(values, of: row) == true {
                    try self.writeCombined(row, to: &writer)
                } else {
                    while let value = values.next() { try writer.append(value, of: row) }
                }
            }
            self.groups.removeAll()
            return try writer.finish()
        } catch let error as EngineError {
            throw error
        } catch let error as SpillError {
            throw .spill(error)
        } catch {
            throw .corrupt("\(error)")
        }
    }

    private mutating func writeCombined(_ row: KeyedRow, to writer: inout SortedRunWriter) throws(SpillError) {
        guard let count = self.combiner?.results.count else { return }
        for index in 0..<count {
            guard let value = self.combiner?.results[index] else { return }
            try writer.append(value, of: row)
        }
    }

    /// Keeps the number of runs low: ``fanIn`` of a level become one of the next, fewer where their large rows wouldn't
    /// fit in memory together.
    private mutating func mergeLevels() throws(SpillError) {
        while let level = self.runs.last?.level {
            let members = self.runs.suffix(while: { $0.level == level })
            let isHeavy = members.count > 1 && Array(members).largeRowBytes > self.bytesLimit
            guard members.count >= Self.fanIn || isHeavy else { return }
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
