/// Where windows put what doesn't fit in their share of memory.
package struct StateSpill: Sendable {
    let store: any SpillStore

    /// Bytes that the tables of one subtask's windows take at most, but for what a checkpoint under way still reads: a
    /// quarter is theirs in any case.
    let bytesLimit: Int

    package init(_ store: any SpillStore, bytesLimit: Int) {
        self.store = store
        self.bytesLimit = bytesLimit
    }
}

/// What a stage has written to disk because memory was full, whether it is still there or not.
package struct StateSpills: Hashable, Sendable {
    /// Layers of slices, or how often keys were put away.
    package var tables = 0
    package var bytes: Int64 = 0

    package init() {}
}

/// Slices on disk.
///
/// Before a window fires that has any part on disk all of it goes there; then it is put together and fired partition by
/// partition.
extension SlicedWindows {
    /// Moves slices to disk, the largest first, where the tables take more memory than they may, or soon would by growing.
    mutating func spillIfLarge() throws(EngineError) {
        guard let spill = self.spill else { return }
        // There may be hundreds of slices, and each batch changes few.
        guard self.takenBytes >= spill.bytesLimit / Self.looksPerLimit else { return }
        self.takenBytes = 0
        var free = self.rolls ? self.rolling.bytes : 0
        var lent = 0
        for slice in self.slices {
            let bytes = slice.bytesToSpill
            free += bytes + slice.growthBytes
            lent += slice.bytes - bytes
        }
        let limit = max(spill.bytesLimit - lent, spill.bytesLimit / 4)
        guard free > limit else { return }
        // Made anew from slices in memory, which from now on not all are.
        self.rolling.reset()
        var bytes = self.slices.reduce(0) { $0 + $1.bytesToSpill }
        let largest = self.slices.indices.sorted { self.slices[$0].bytesToSpill > self.slices[$1].bytesToSpill }
        for position in largest where bytes > limit / 2 {
            bytes -= self.slices[position].bytesToSpill
            try self.spill(position, to: spill.store, all: false)
        }
    }

    /// How often memory is looked at while as many bytes come as it may hold: less than what tables keep free for growing.
    private static var looksPerLimit: Int { 32 }

    private mutating func spill(_ position: Int, to store: any SpillStore, all: Bool) throws(EngineError) {
        do {
            for table in try self.slices[position].spill(to: store, all: all) {
                self.spills.tables += 1
                self.spills.bytes += table.storedBytes
            }
        } catch {
            throw .spill(error)
        }
    }

    private func range(ofWindowEnding end: Int64) -> Range<Int> {
        self.position(of: end - self.grid.size)..<self.position(of: end)
    }

    /// Whether a window lies on disk, if only in part.
    func isSpilled(windowEnding end: Int64) -> Bool {
        self.slices[self.range(ofWindowEnding: end)].contains { $0.isSpilled }
    }

    /// Moves what of a window is in memory to disk.
    mutating func spill(windowEnding end: Int64) throws(EngineError) {
        guard let spill = self.spill else { return }
        for position in self.range(ofWindowEnding: end) { try self.spill(position, to: spill.store, all: true) }
    }

    /// What the keys of one partition have got in a window that is on disk; nil where there are none.
    mutating func table(ofPartition partition: Int, windowEnding end: Int64) throws(EngineError) -> SliceBox? {
        var box: SliceBox?
        for slice in self.slices[self.range(ofWindowEnding: end)] {
            for layer in slice.layers {
                guard case .spilled(let table) = layer.content, table.hasKeys(inPartition: partition) else { continue }
                let target = box ?? self.makeBox()
                box = target
                try table.merge(partition: partition, into: target, arena: &self.arena)
            }
        }
        return box
    }

    /// A table that has the states of one key in a window, and may have others.
    func table(of key: KeyWords, longKey: UnsafeRawPointer?, inWindowEnding end: Int64) throws(EngineError) -> SliceBox
    {
        guard self.isSpilled(windowEnding: end) else {
            return unsafe self.tableInMemory(of: key, longKey: longKey, windowEnding: end)
        }
        let box = self.makeBox()
        let states = unsafe box.table.states(of: key, longKey: longKey)
        var arena = Arena(limitBytes: Self.arenaBytes)
        for slice in self.slices[self.range(ofWindowEnding: end)] {
            for layer in slice.layers {
                switch layer.content {
                case .table(let found):
                    let columns = self.layout.columns
                    unsafe found.table.mergeKey(key, longKey: longKey, into: box, states, columns: columns)
                case .spilled(let table): try unsafe table.merge(key, longKey: longKey, into: box, arena: &arena)
                }
            }
        }
        return box
    }

    /// The same where nothing of the window is on disk.
    private func tableInMemory(of key: KeyWords, longKey: UnsafeRawPointer?, windowEnding end: Int64) -> SliceBox {
        let range = self.range(ofWindowEnding: end)
        if range.count == 1, let box = self.slices[range.lowerBound].onlyBox { return box }
        let merged = self.makeBox()
        unsafe self.merge(key, longKey: longKey, of: range, into: merged, columns: self.layout.columns)
        return merged
    }

    private func merge(
        _ key: KeyWords,
        longKey: UnsafeRawPointer?,
        of range: Range<Int>,
        into box: SliceBox,
        columns: [WindowLayout.Column]
    ) {
        let states = unsafe box.table.states(of: key, longKey: longKey)
        for slice in self.slices[range] {
            for layer in slice.layers {
                unsafe layer.box?.table.mergeKey(key, longKey: longKey, into: box, states, columns: columns)
            }
        }
    }

    /// Puts together what the rolling window of a key doesn't keep, in the window that is being fired, of which nothing is
    /// on disk.
    ///
    /// - Returns: A table that has these columns of the key: good until the next window, or for some keys more.
    func gathered(_ key: KeyWords, longKey: UnsafeRawPointer?, windowEnding end: Int64) -> SliceBox {
        let range = self.range(ofWindowEnding: end)
        if range.count == 1, let box = self.slices[range.lowerBound].onlyBox { return box }
        let box = unsafe self.gatherings.box(for: key, longKey: longKey, self.layout)
        unsafe self.merge(key, longKey: longKey, of: range, into: box, columns: self.rolling.gatheredColumns)
        return box
    }

    /// Bytes on disk.
    var spilledBytes: Int64 {
        self.slices.reduce(0) { total, slice in
            slice.layers.reduce(total) { sum, layer in
                if case .spilled(let table) = layer.content { sum + table.storedBytes } else { sum }
            }
        }
    }
}

extension SliceTable {
    /// Adds what a key has here to its states in another table.
    fileprivate func mergeKey(
        _ key: KeyWords,
        longKey: UnsafeRawPointer?,
        into box: SliceBox,
        _ states: UnsafeMutablePointer<UInt64>,
        columns: [WindowLayout.Column]
    ) {
        guard let found = unsafe self.existingStates(of: key, longKey: longKey) else { return }
        unsafe box.table.merge(found, of: self, into: states, columns: columns)
    }

    /// Bytes that it will soon take in addition, while it grows.
    var growthBytes: Int { max(self.short.growthBytes, self.long.growthBytes) }
}

/// Where states are put together for one key after the other, so that not each of them needs a table of its own.
///
/// Isolation: that of the stage that owns it.
final class Gatherings {
    private var box: SliceBox?

    /// Keys in one table, and the bytes it takes, before the next is begun.
    private static let keyLimit = 1_024
    private static let bytesLimit = 1 << 20

    /// A table that doesn't have a key yet.
    func box(for key: KeyWords, longKey: UnsafeRawPointer?, _ layout: WindowLayout) -> SliceBox {
        if let box = self.box, box.table.keyCount < Self.keyLimit, box.table.bytes < Self.bytesLimit,
            unsafe box.table.existingStates(of: key, longKey: longKey) == nil
        {
            return box
        }
        let fresh = SliceBox(layout)
        self.box = fresh
        return fresh
    }
}

extension KeyTable {
    /// Bytes that it will take in addition while it grows, if a few batches of new keys make it.
    var growthBytes: Int {
        self.count >= self.growthCount - self.growthCount / 8 ? 2 * self.bytes : 0
    }
}
