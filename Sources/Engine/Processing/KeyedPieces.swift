/// Of which pieces the keys of a store consist in checkpoints: everything as it once was, and what had changed at each later one.
struct KeyedPieces {
    private struct Piece {
        var id: PieceID
        let keyCount: Int
        let isWhole: Bool

        /// Nil: a complete checkpoint holds it.
        var content: (any FrozenState)?
    }

    /// What every piece is called.
    static let name = "keys"

    /// In the order in which they are restored.
    private var pieces: [Piece] = []

    /// Pieces at most before everything is written anew.
    private static let chainLimit = 16

    /// The pieces of a checkpoint, those that are new numbered from an index on.
    mutating func freeze<Store: KeyedStateStore & ~Copyable>(
        _ store: inout Store,
        _ checkpoint: Int64,
        firstIndex: Int
    ) throws(SpillError) -> [StatePiece] {
        let next = PieceID(checkpoint: checkpoint, index: firstIndex)
        if let changes = try self.takesChanges(of: store) ? store.freezeChanges() : nil {
            if changes.keyCount > 0 {
                self.pieces.append(
                    Piece(id: next, keyCount: changes.keyCount, isWhole: false, content: changes.content)
                )
            }
        } else {
            let keyCount = store.keyCount
            self.pieces = [Piece(id: next, keyCount: keyCount, isWhole: true, content: try store.freeze())]
        }
        var index = firstIndex
        for position in self.pieces.indices where self.pieces[position].content != nil {
            // What an earlier checkpoint should have held is written again.
            self.pieces[position].id = PieceID(checkpoint: checkpoint, index: index)
            index += 1
        }
        return self.pieces.map {
            StatePiece(name: Self.name, id: $0.id, keyCount: $0.keyCount, content: $0.content)
        }
    }

    /// Whether another piece isn't one too many, and all of them aren't twice what there is.
    private func takesChanges<Store: KeyedStateStore & ~Copyable>(of store: borrowing Store) -> Bool {
        guard !self.pieces.isEmpty, self.pieces.count < Self.chainLimit else { return false }
        return self.pieces.reduce(0) { $0 + $1.keyCount } <= 2 * store.keyCount
    }

    mutating func settle(_ checkpoint: Int64, isStored: Bool) {
        guard let last = self.pieces.last, last.content != nil, last.id.checkpoint == checkpoint else { return }
        if isStored {
            for position in self.pieces.indices { self.pieces[position].content = nil }
        } else if self.pieces.contains(where: { $0.isWhole && $0.content != nil }) {
            // All of it would be kept twice until the next checkpoint.
            self.pieces = []
        }
    }

    /// A piece was restored, and those before it.
    mutating func noteStored<Store: KeyedStateStore & ~Copyable>(
        _ id: PieceID,
        keyCount: Int,
        in store: inout Store
    ) throws(SpillError) {
        try store.noteChanges()
        self.pieces.append(Piece(id: id, keyCount: keyCount, isWhole: self.pieces.isEmpty, content: nil))
    }

    /// Nothing of it belongs together any more: the next checkpoint writes everything.
    mutating func forget() { self.pieces = [] }
}
