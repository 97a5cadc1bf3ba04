import CoreTypes
import Storage

/// What is in a checkpoint, for people and for programs.
struct CheckpointReport {
    let manifest: CheckpointManifest

    init(_ manifest: CheckpointManifest) {
        self.manifest = manifest
    }

    private var storedBytes: Int64 { self.manifest.blobs.reduce(0) { $0 + $1.storedByteCount } }

    /// One line of a list.
    var line: String {
        let kind = self.manifest.isSavepoint ? "savepoint" : "checkpoint"
        let when = Timestamp.text(self.manifest.createdAt)
        let own = self.manifest.ownBlobs.reduce(0) { $0 + $1.storedByteCount }
        let sizes = "\(Quantity.bytes(self.storedBytes)), of which \(Quantity.bytes(own)) its own"
        return "\(self.manifest.number)  \(kind)  \(when)  \(sizes)"
    }

    var text: String {
        let manifest = self.manifest
        var lines = [
            "\(manifest.isSavepoint ? "savepoint" : "checkpoint") \(manifest.number) of \(manifest.job)",
            "  taken      \(Timestamp.text(manifest.createdAt)), at parallelism \(manifest.parallelism)",
            "  event time \(Self.time(manifest.watermark))",
        ]
        for (id, shape) in manifest.operators.sorted(by: { $0.key < $1.key }) {
            lines.append("  \(id): \(shape)")
            lines += self.state(of: id)
        }
        let named = Set(manifest.operators.keys)
        for id in Set(manifest.pieces.map(\.owner.operatorID)).subtracting(named).sorted() {
            let own = manifest.ownBlobs.filter { $0.owner.operatorID == id }
            lines.append("  \(id): on its way when the checkpoint overtook it, \(Self.size(own))")
        }
        lines.append("  source: \(manifest.splits.count) splits")
        for split in manifest.splits {
            let state = split.isFinished ? "read to its end" : "at \(split.position), \(Self.time(split.latest))"
            lines.append("    \(split.name): \(state)")
        }
        if !manifest.deliveries.isEmpty {
            lines.append("  output: \(manifest.deliveries.count) parts")
            lines += manifest.deliveries.map { "    \($0.sink) of subtask \($0.subtask): \($0.token)" }
        }
        return lines.joined(separator: "\n")
    }

    /// Of what the state of an operator consists.
    private func state(of id: String) -> [String] {
        let pieces = self.manifest.pieces.filter { $0.owner.operatorID == id }
        let keys = pieces.reduce(0) { $0 + $1.keyCount }
        let own = self.manifest.ownBlobs.filter { $0.owner.operatorID == id }
        let all = self.manifest.blobs.filter { $0.owner.operatorID == id }
        let shared = all.filter { $0.checkpoint != self.manifest.number }
        var lines = ["    \(Quantity.exact(keys)) keys in \(pieces.count) pieces"]
        lines.append("    written for it: \(Self.size(own))")
        if !shared.isEmpty {
            let from = Set(shared.map(\.checkpoint)).sorted().map(String.init).joined(separator: ", ")
            lines.append("    \(self.manifest.isSavepoint ? "copied" : "shared"): \(Self.size(shared)), of \(from)")
        }
        return lines
    }

    /// One object, whose members are always the same.
    var json: JSONValue {
        let manifest = self.manifest
        return .object([
            .init("number", .integer(manifest.number)),
            .init("job", .string(manifest.job)),
            .init("isSavepoint", .boolean(manifest.isSavepoint)),
            .init("createdAt", .integer(manifest.createdAt)),
            .init("parallelism", .integer(Int64(manifest.parallelism))),
            .init("watermark", manifest.watermark == .min ? .null : .integer(manifest.watermark)),
            .init("bytes", .integer(manifest.blobs.reduce(0) { $0 + $1.byteCount })),
            .init("storedBytes", .integer(self.storedBytes)),
            .init("ownBytes", .integer(manifest.ownBlobs.reduce(0) { $0 + $1.byteCount })),
            .init("ownStoredBytes", .integer(manifest.ownBlobs.reduce(0) { $0 + $1.storedByteCount })),
            .init("operators", .array(manifest.operators.keys.sorted().map { self.json(of: $0) })),
            .init("splits", .array(manifest.splits.map { Self.json(of: $0) })),
        ])
    }

    private func json(of id: String) -> JSONValue {
        let pieces = self.manifest.pieces.filter { $0.owner.operatorID == id }
        return .object([
            .init("id", .string(id)),
            .init("shape", .text(self.manifest.operators[id])),
            .init("keys", .integer(pieces.reduce(0) { $0 + $1.keyCount })),
            .init("pieces", .integer(Int64(pieces.count))),
        ])
    }

    private static func json(of split: SplitProgress) -> JSONValue {
        .object([
            .init("name", .string(split.name)),
            .init("position", .integer(Int64(split.position))),
            .init("latest", split.latest == .min ? .null : .integer(split.latest)),
            .init("isFinished", .boolean(split.isFinished)),
        ])
    }

    private static func size(_ blobs: [CheckpointManifest.Blob]) -> String {
        let bytes = blobs.reduce(0) { $0 + $1.byteCount }
        let stored = blobs.reduce(0) { $0 + $1.storedByteCount }
        return "\(Quantity.bytes(bytes)), \(Quantity.bytes(stored)) on disk in \(blobs.count) files"
    }

    private static func time(_ milliseconds: Int64) -> String {
        switch milliseconds {
        case .min: "no time yet"
        case .max: "the end"
        default: Timestamp.text(milliseconds)
        }
    }
}
