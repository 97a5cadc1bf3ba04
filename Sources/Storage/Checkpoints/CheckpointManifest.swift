package import CoreTypes

/// What a checkpoint consists of; it exists if and only if its manifest does.
///
/// A manifest is text, a fact a line, fields apart by single spaces; bytes of names other than printable ASCII, and `%`, are
/// written `%XX`. The last line is `end` and a hash of all bytes before it (FNV-1a, 64 bits): a manifest that was cut or
/// changed doesn't pass.
package struct CheckpointManifest: Hashable, Sendable {
    /// A file with pieces of the state of one subtask, which may belong to several checkpoints.
    package struct Blob: Hashable, Sendable {
        package let owner: StateOwner

        /// The checkpoint that it was written for.
        package let checkpoint: Int64
        package let file: String

        /// Bytes of the state, and on disk.
        package let byteCount: Int64
        package let storedByteCount: Int64

        package init(
            owner: StateOwner,
            checkpoint: Int64,
            file: String,
            byteCount: Int64,
            storedByteCount: Int64
        ) {
            self.owner = owner
            self.checkpoint = checkpoint
            self.file = file
            self.byteCount = byteCount
            self.storedByteCount = storedByteCount
        }
    }

    /// A piece of state that belongs to this checkpoint.
    package struct Piece: Hashable, Sendable {
        package let owner: StateOwner

        /// The checkpoint that its blob was written for, and its index there.
        package let checkpoint: Int64
        package let index: Int
        package let name: String
        package let keyCount: Int64

        package init(owner: StateOwner, checkpoint: Int64, index: Int, name: String, keyCount: Int64) {
            self.owner = owner
            self.checkpoint = checkpoint
            self.index = index
            self.name = name
            self.keyCount = keyCount
        }
    }

    /// Output that becomes visible because this checkpoint exists.
    package struct Delivery: Hashable, Sendable {
        /// Which sink of the job: `output`, `alerts`, `late`, `dead-letters`.
        package let sink: String
        package let subtask: Int

        /// What the sink needs to find it again.
        package let token: String

        package init(sink: String, subtask: Int, token: String) {
            self.sink = sink
            self.subtask = subtask
            self.token = token
        }
    }

    package var number: Int64
    package var job: String

    /// Says what the state means: the shape of each operator, in the job's own words.
    package var operators: [String: String] = [:]
    package var parallelism: Int
    package var isSavepoint = false

    /// Milliseconds since 1970.
    package var createdAt: Int64
    package var watermark: Int64

    /// Those of the inputs of stages, by the names of their channels; empty where none was ahead of another.
    package var stageWatermarks: [String: Int64] = [:]
    package var splits: [SplitProgress] = []
    package var blobs: [Blob] = []

    /// In the order in which the pieces of an owner are restored.
    package var pieces: [Piece] = []
    package var deliveries: [Delivery] = []

    package init(number: Int64, job: String, parallelism: Int, createdAt: Int64, watermark: Int64) {
        self.number = number
        self.job = job
        self.parallelism = parallelism
        self.createdAt = createdAt
        self.watermark = watermark
    }

    /// Whose state it holds, in order.
    package var owners: [StateOwner] { Set(self.pieces.map(\.owner)).sorted() }

    /// The blobs that were written for this checkpoint; the others belong to older ones as well.
    package var ownBlobs: [Blob] { self.blobs.filter { $0.checkpoint == self.number } }

    /// The largest manifest that is read.
    package static let byteLimit = 64 << 20
}

/// Why bytes aren't a manifest.
package struct ManifestError: Error, Hashable, Sendable, CustomStringConvertible {
    package let line: Int
    package let reason: String

    package var description: String { "line \(self.line) of the manifest: \(self.reason)" }
}

extension CheckpointManifest {
    private static let header = "weir-checkpoint 2"

    package var text: String {
        var lines = [
            Self.header, "number \(self.number)", "job \(Self.escaped(self.job))", "parallelism \(self.parallelism)",
            "savepoint \(self.isSavepoint ? 1 : 0)", "created \(self.createdAt)", "watermark \(self.watermark)",
        ]
        for (id, shape) in self.operators.sorted(by: { $0.key < $1.key }) {
            lines.append("operator \(Self.escaped(id)) \(Self.escaped(shape))")
        }
        for (stage, watermark) in self.stageWatermarks.sorted(by: { $0.key < $1.key }) {
            lines.append("stage \(Self.escaped(stage)) \(watermark)")
        }
        for split in self.splits {
            let isFinished = split.isFinished ? 1 : 0
            lines.append("split \(Self.escaped(split.name)) \(split.position) \(split.latest) \(isFinished)")
        }
        for blob in self.blobs {
            lines.append(
                "blob \(Self.escaped(blob.owner.operatorID)) \(blob.owner.subtask) \(blob.checkpoint)"
                    + " \(Self.escaped(blob.file)) \(blob.byteCount) \(blob.storedByteCount)"
            )
        }
        for piece in self.pieces {
            lines.append(
                "piece \(Self.escaped(piece.owner.operatorID)) \(piece.owner.subtask) \(piece.checkpoint)"
                    + " \(piece.index) \(Self.escaped(piece.name)) \(piece.keyCount)"
            )
        }
        for delivery in self.deliveries {
            lines.append("delivery \(Self.escaped(delivery.sink)) \(delivery.subtask) \(Self.escaped(delivery.token))")
        }
        let body = lines.joined(separator: "\n") + "\n"
        return body + "end \(String(Self.hash(body.utf8), radix: 16))\n"
    }

    package init(parsing bytes: [UInt8]) throws(ManifestError) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ManifestError(line: 1, reason: "it isn't text")
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.popLast() == "", let last = lines.popLast(), last.hasPrefix("end ") else {
            throw ManifestError(line: lines.count + 1, reason: "it is cut off")
        }
        let body = text.utf8.prefix(text.utf8.count - last.utf8.count - 1)
        guard last.dropFirst(4) == String(Self.hash(body), radix: 16) else {
            throw ManifestError(line: lines.count + 1, reason: "the hash doesn't match: it was changed or damaged")
        }
        guard lines.first.map(String.init) == Self.header else {
            throw ManifestError(line: 1, reason: "another version of Weir wrote it")
        }
        self.init(number: 0, job: "", parallelism: 0, createdAt: 0, watermark: 0)
        for (index, line) in lines.enumerated().dropFirst() {
            let fields = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            guard self.take(fields) else { throw ManifestError(line: index + 1, reason: "'\(line)' makes no sense") }
        }
        guard self.number > 0, self.parallelism > 0 else {
            throw ManifestError(line: lines.count, reason: "it doesn't say its number")
        }
    }

    /// - Returns: False where the fields aren't a fact.
    private mutating func take(_ fields: [String]) -> Bool {
        let numbers = fields.map { Int64($0) }
        switch (fields[0], fields.count) {
        case ("number", 2): return Self.set(&self.number, numbers[1])
        case ("created", 2): return Self.set(&self.createdAt, numbers[1])
        case ("watermark", 2): return Self.set(&self.watermark, numbers[1])
        case ("parallelism", 2):
            guard let count = numbers[1], (1...65_536).contains(count) else { return false }
            self.parallelism = Int(count)
        case ("savepoint", 2):
            self.isSavepoint = fields[1] == "1"
        case ("job", 2): return Self.set(&self.job, Self.unescaped(fields[1]))
        case ("operator", 3):
            guard let id = Self.unescaped(fields[1]), let shape = Self.unescaped(fields[2]) else { return false }
            self.operators[id] = shape
        case ("stage", 3):
            guard let stage = Self.unescaped(fields[1]), let watermark = numbers[2] else { return false }
            self.stageWatermarks[stage] = watermark
        case ("split", 5):
            guard let name = Self.unescaped(fields[1]), let position = numbers[2], let latest = numbers[3] else {
                return false
            }
            self.splits.append(
                SplitProgress(name: name, position: position, latest: latest, isFinished: fields[4] == "1")
            )
        case ("blob", 7): return self.takeBlob(fields, numbers)
        case ("piece", 7): return self.takePiece(fields, numbers)
        case ("delivery", 4):
            guard let sink = Self.unescaped(fields[1]), let subtask = numbers[2], let token = Self.unescaped(fields[3])
            else { return false }
            self.deliveries.append(Delivery(sink: sink, subtask: Int(subtask), token: token))
        default: return false
        }
        return true
    }

    private mutating func takeBlob(_ fields: [String], _ numbers: [Int64?]) -> Bool {
        guard let owner = Self.owner(fields, numbers), let checkpoint = numbers[3],
            let file = Self.unescaped(fields[4]), let byteCount = numbers[5], let stored = numbers[6],
            checkpoint > 0, !file.contains("/"), byteCount >= 0, stored >= 0
        else { return false }
        self.blobs.append(
            Blob(owner: owner, checkpoint: checkpoint, file: file, byteCount: byteCount, storedByteCount: stored)
        )
        return true
    }

    private mutating func takePiece(_ fields: [String], _ numbers: [Int64?]) -> Bool {
        guard let owner = Self.owner(fields, numbers), let checkpoint = numbers[3], let index = numbers[4],
            let name = Self.unescaped(fields[5]), let keyCount = numbers[6],
            checkpoint > 0, (0...Int64(UInt32.max)).contains(index), keyCount >= 0
        else { return false }
        self.pieces.append(
            Piece(owner: owner, checkpoint: checkpoint, index: Int(index), name: name, keyCount: keyCount)
        )
        return true
    }

    private static func owner(_ fields: [String], _ numbers: [Int64?]) -> StateOwner? {
        guard let id = Self.unescaped(fields[1]), let subtask = numbers[2], (0..<65_536).contains(subtask) else {
            return nil
        }
        return StateOwner(operatorID: id, subtask: Int(subtask))
    }

    private static func set<Field>(_ field: inout Field, _ value: Field?) -> Bool {
        guard let value else { return false }
        field = value
        return true
    }

    private static func isPlain(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "%") }

    /// An empty text is `%`.
    private static func escaped(_ text: String) -> String {
        if text.isEmpty { return "%" }
        var result = ""
        for byte in text.utf8 {
            if Self.isPlain(byte) {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (digits.utf8.count < 2 ? "0" : "") + digits
            }
        }
        return result
    }

    private static func unescaped(_ text: String) -> String? {
        if text == "%" { return "" }
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            rest = rest.dropFirst(2)
            bytes.append(value)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Source: Fowler, Noll and Vo, FNV-1a with 64 bits.
    static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash
    }
}
