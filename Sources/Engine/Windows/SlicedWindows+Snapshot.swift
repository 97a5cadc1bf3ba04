/// Handing slices over to checkpoints, and taking them back.
extension SlicedWindows {
    /// The pieces of all slices; `next` numbers new ones.
    mutating func freeze(_ checkpoint: Int64, next: () -> PieceID) -> [StatePiece] {
        var kept: [Int64: Int] = [:]
        for slice in self.slices { slice.countPieces(into: &kept) }
        self.writtenKeys = self.writtenKeys.filter { kept[$0.key] != nil }
        let sparse = self.writtenKeys.filter { written in
            kept[written.key].map { $0 * Self.sparseness < written.value } ?? false
        }
        var pieces: [StatePiece] = []
        for position in self.slices.indices {
            pieces += self.slices[position].freeze(sparse: Set(sparse.keys), next: next)
        }
        self.writtenKeys[checkpoint] = pieces.reduce(0) { $0 + ($1.content == nil ? 0 : $1.keyCount) }
        return pieces
    }

    /// What a checkpoint wrote is written anew where less than one in so many of its keys is still somebody's.
    private static var sparseness: Int { 4 }

    mutating func settle(_ checkpoint: Int64, isStored: Bool) {
        for position in self.slices.indices { self.slices[position].settle(checkpoint, isStored: isStored) }
        self.mayMerge = true
    }

    /// Merges some keys of layers that belong together.
    ///
    /// - Returns: False where there are none.
    mutating func mergeLayers(limit: Int) -> Bool {
        guard self.mayMerge else { return false }
        for position in self.slices.indices where self.slices[position].layers.count > 1 {
            if self.slices[position].merge(limit: limit) { return true }
        }
        self.mayMerge = false
        return false
    }

    /// About so many keys of a slice are about to be restored: its table is made large enough at once, where that fits in memory.
    ///
    /// The rows of a table come in the order of its slots. One of the same size takes them in one pass over its memory.
    mutating func expect(_ keyCount: Int, slice start: Int64) {
        let bytes = SliceTable.bytes(forKeys: keyCount, of: self.layout)
        guard keyCount > 0, bytes <= self.roomForExpected else { return }
        self.roomForExpected -= bytes
        self.expectedKeys[start, default: 0] += keyCount
    }

    /// The first rows of a slice are about to come, so many of which have long keys: makes room for those that are expected.
    mutating func makeRoom(in box: SliceBox, slice start: Int64, rows: Int, longRows: Int) {
        guard rows > 0, let keyCount = self.expectedKeys.removeValue(forKey: start) else { return }
        let long = Int(Double(keyCount) * Double(longRows) / Double(rows))
        self.takenBytes += box.table.bytes
        box.table.reserve(short: keyCount - long, long: long)
    }

    /// A piece of a slice was restored as a whole.
    mutating func noteStored(_ id: PieceID, keyCount: Int, slice start: Int64) {
        self.writtenKeys[id.checkpoint, default: 0] += keyCount
        let position = self.position(of: start)
        guard position < self.slices.count, self.slices[position].start == start else { return }
        self.slices[position].noteStored(LayeredSlice.StoredPiece(id: id, keyCount: keyCount))
    }
}
