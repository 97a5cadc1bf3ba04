import ArgumentParser
import CoreTypes
import Platform
import Storage

/// `weir checkpoint`: looks at the checkpoints of a stream.
struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Look at the checkpoints that a stream left in its state directory.",
        subcommands: [InspectCheckpointCommand.self, ListCheckpointsCommand.self]
    )
}

/// `weir checkpoint list DIR`.
struct ListCheckpointsCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the checkpoints of a stream, oldest first."
    )

    @Argument(help: "The state directory of the stream: what --state named, and the stream's name below it.")
    var directory: String

    func perform(_ console: Console) -> CommandStatus {
        let store = DiskCheckpointStore(disk: LocalDisk(), directory: self.directory)
        do {
            let numbers = try store.list().numbers
            if numbers.isEmpty { console.note("there is no checkpoint in '\(self.directory)'") }
            for number in numbers {
                do {
                    console.write(CheckpointReport(try store.manifest(number)).line)
                } catch {
                    console.write("\(number)  damaged: \(error)")
                }
            }
            return .done
        } catch {
            console.note("error: \(error)")
            return .failed
        }
    }
}

/// `weir checkpoint inspect DIR [N]`.
struct InspectCheckpointCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what is in a checkpoint: operators, keys, bytes, positions in the source.",
        discussion: """
            Reads every blob of it, so that a damaged one is found.

              weir checkpoint inspect state/clickstream
              weir checkpoint inspect state/clickstream 12
            """
    )

    @Argument(help: "The state directory of the stream: what --state named, and the stream's name below it.")
    var directory: String

    @Argument(help: "The number of the checkpoint; the newest if none is given.")
    var number: Int64?

    func perform(_ console: Console) -> CommandStatus {
        let store = DiskCheckpointStore(disk: LocalDisk(), directory: self.directory)
        do {
            let numbers = try store.list().numbers
            guard let number = self.number ?? numbers.last, numbers.contains(number) else {
                let list = numbers.map(String.init).joined(separator: ", ")
                let found = numbers.isEmpty ? "there is none" : "there are \(list)"
                let wanted = self.number.map { "checkpoint \($0)" } ?? "a checkpoint"
                console.note("error: can't find \(wanted) in '\(self.directory)': \(found)")
                return .failed
            }
            let manifest = try store.manifest(number)
            console.write(CheckpointReport(manifest).text)
            try store.verify(manifest)
            return .done
        } catch {
            console.note("error: \(error)")
            return .failed
        }
    }
}

/// What is in a checkpoint, for people.
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
