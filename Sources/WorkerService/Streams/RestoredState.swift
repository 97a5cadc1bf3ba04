internal import Engine
package import Storage

/// A checkpoint whose every piece was read before.
package struct RestoredState: Sendable {
    private let manifest: CheckpointManifest
    private let store: any CheckpointStore

    /// Operators whose state is left out.
    private let lost: Set<String>

    /// Whether later checkpoints may name its pieces: it has the parallelism of the stream, and shares its blobs with them.
    private let keepsPieces: Bool

    package init(manifest: CheckpointManifest, store: any CheckpointStore, lost: Set<String>, keepsPieces: Bool) {
        self.manifest = manifest
        self.store = store
        self.lost = lost
        self.keepsPieces = keepsPieces
    }

    /// The checkpoint, where later ones may name its pieces.
    package var base: CheckpointManifest? { self.keepsPieces ? self.manifest : nil }

    /// Hands over the chunks of an operator's state in which there may be something of a subtask's, one of `parallelism`.
    ///
    /// - Returns: The pieces that were read and that later checkpoints of the subtask may name.
    func read(
        _ operatorID: String,
        subtask: Int,
        parallelism: Int,
        _ take: (_ chunk: [UInt8], _ piece: String) throws(EngineError) -> Void
    ) throws(EngineError) -> [CheckpointManifest.Piece] {
        guard !self.lost.contains(operatorID) else { return [] }
        var owners = Set(self.manifest.pieces.map(\.owner)).filter { $0.operatorID == operatorID }
        // At the same parallelism keys are where they were.
        if self.manifest.parallelism == parallelism { owners = owners.filter { $0.subtask == subtask } }
        for owner in owners.sorted() {
            var reader = CheckpointReader(of: owner, in: self.manifest, of: self.store)
            while let (piece, chunk) = try Self.next(&reader) { try take(chunk, piece.name) }
        }
        return self.keepsPieces ? self.manifest.pieces.filter { owners.contains($0.owner) } : []
    }

    private static func next(
        _ reader: inout CheckpointReader
    ) throws(EngineError) -> (piece: CheckpointManifest.Piece, chunk: [UInt8])? {
        do throws(CheckpointError) {
            return try reader.next()
        } catch {
            throw .corrupt("\(error)")
        }
    }
}
