/// Which piece of state it is: written once, and named by every later checkpoint that holds it.
package struct PieceID: Hashable, Sendable, Comparable {
    /// The checkpoint it was written for.
    package let checkpoint: Int64

    /// Its place among the pieces that a subtask wrote then.
    package let index: Int

    package init(checkpoint: Int64, index: Int) {
        self.checkpoint = checkpoint
        self.index = index
    }

    package static func < (left: PieceID, right: PieceID) -> Bool {
        (left.checkpoint, left.index) < (right.checkpoint, right.index)
    }
}

/// State that doesn't change any more until its checkpoint is settled: any thread may encode it meanwhile.
package protocol FrozenState: Sendable {
    /// Hands the encoding over in chunks, each of which can be restored by itself.
    ///
    /// - Throws: What `write` does, and a ``SpillError`` where state on disk can't be read.
    func encode(_ write: ([UInt8]) throws -> Void) throws
}

/// State that was encoded already, in chunks each of which can be restored by itself.
package struct EncodedState: FrozenState {
    private let chunks: [[UInt8]]

    package init(_ chunks: [[UInt8]]) {
        self.chunks = chunks
    }

    package func encode(_ write: ([UInt8]) throws -> Void) throws {
        for chunk in self.chunks { try write(chunk) }
    }
}

/// A part of a stage's state, under a name of the stage's own.
///
/// Several pieces of one name are restored in their order: each holds what was added behind those before it.
package struct StatePiece: Sendable {
    package let name: String
    package let id: PieceID
    package let keyCount: Int

    /// Nil: a complete checkpoint holds it.
    package let content: (any FrozenState)?

    package init(name: String, id: PieceID, keyCount: Int, content: (any FrozenState)?) {
        self.name = name
        self.id = id
        self.keyCount = keyCount
        self.content = content
    }
}

/// What a stage hands over at a barrier; whoever gets it settles it, stored or not, before the stage hands over the next.
package struct StageSnapshot: Sendable {
    /// In the order in which they are restored.
    package let pieces: [StatePiece]
    package let keyCount: Int
    package let watermark: Int64

    /// Of a stage that has come to its end.
    package static let nothing = StageSnapshot(pieces: [], keyCount: 0, watermark: WatermarkTracker.none)

    package init(pieces: [StatePiece], keyCount: Int, watermark: Int64) {
        self.pieces = pieces
        self.keyCount = keyCount
        self.watermark = watermark
    }
}
