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

    /// About how many keys of a subtask's are in the pieces of each name, in the order of names.
    ///
    /// Pieces hold what was added behind those before them, often of the same keys: the largest says how many there are.
    func expectedKeys(_ operatorID: String, subtask: Int, parallelism: Int) -> [(piece: String, keyCount: Int)] {
        guard !self.lost.contains(operatorID) else { return [] }
        let isOwn = self.manifest.parallelism == parallelism
        var largest: [String: [StateOwner: Int64]] = [:]
        for piece in self.manifest.pieces where piece.owner.operatorID == operatorID {
            guard !isOwn || piece.owner.subtask == subtask else { continue }
            let known = largest[piece.name]?[piece.owner] ?? 0
            largest[piece.name, default: [:]][piece.owner] = max(known, piece.keyCount)
        }
        return largest.sorted { $0.key < $1.key }.map { name, owners in
            let keyCount = owners.values.reduce(0) { $0 &+ $1 }
            return (name, Int(isOwn ? keyCount : keyCount / Int64(parallelism)))
        }
    }

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
