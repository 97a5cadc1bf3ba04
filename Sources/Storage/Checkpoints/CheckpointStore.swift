package import Environment

/// Why a checkpoint can't be written or read.
package enum CheckpointError: Error, Hashable, Sendable, CustomStringConvertible {
    case disk(EnvironmentError)
    /// A file of it isn't as it was written.
    case damaged(String, String)
    /// State that is to be written can't be read.
    case state(String)

    package var description: String {
        switch self {
        case .disk(let error): error.description
        case .damaged(let path, let reason):
            "can't use '\(path)' of a checkpoint: \(reason); an older checkpoint may still be whole"
        case .state(let reason): reason
        }
    }
}

/// Where the checkpoints of a job live.
///
/// In a cluster the manifest is an entry of the log and blobs are copied; here both are files.
package protocol CheckpointStore: Sendable {
    /// Writes what a subtask adds to a checkpoint, durably; it belongs to none yet. A savepoint shares it with no other.
    func writeBlob(
        of owner: StateOwner,
        checkpoint: Int64,
        isSavepoint: Bool,
        _ body: (StateBlobWriter) throws(CheckpointError) -> Void
    ) throws(CheckpointError) -> CheckpointManifest.Blob

    /// Makes a checkpoint exist: all or nothing, durably.
    ///
    /// A savepoint gets copies of the blobs that others wrote: it needs nothing beside it.
    func commit(_ manifest: CheckpointManifest) throws(CheckpointError)

    /// The numbers of the checkpoints that exist, oldest first, and the largest that any attempt at one has used.
    func list() throws(CheckpointError) -> (numbers: [Int64], lastNumber: Int64)

    func manifest(_ number: Int64) throws(CheckpointError) -> CheckpointManifest

    func reader(
        of blob: CheckpointManifest.Blob,
        in manifest: CheckpointManifest
    ) throws(CheckpointError) -> StateBlobReader

    /// Remembers that what a checkpoint holds for a sink was delivered, durably.
    func recordDelivery(of number: Int64, to sink: String) throws(CheckpointError)

    /// The checkpoint that was delivered last to a sink, as far as was recorded.
    func deliveredCheckpoint(of sink: String) throws(CheckpointError) -> Int64?

    /// A name that no other life of the job has: made by `make` when it is first asked for.
    func lineage(_ make: () -> String) throws(CheckpointError) -> String

    /// Removes a checkpoint, or what is left of one that was given up, and the blobs that no checkpoint names any more; what
    /// can't be removed stays for the next time.
    ///
    /// - Important: Nothing is written meanwhile: a blob whose checkpoint doesn't exist yet is nobody's.
    func remove(_ number: Int64)
}

extension CheckpointStore {
    /// Reads and decodes everything that a checkpoint names.
    ///
    /// - Throws: Something is damaged, or isn't there.
    package func verify(_ manifest: CheckpointManifest) throws(CheckpointError) {
        for owner in manifest.owners {
            var reader = CheckpointReader(of: owner, in: manifest, of: self)
            while try reader.next() != nil {}
        }
    }

    /// Reads a blob of a checkpoint: whether each byte is as it was written.
    ///
    /// - Throws: It is damaged, or isn't there.
    package func check(_ blob: CheckpointManifest.Blob, in manifest: CheckpointManifest) throws(CheckpointError) {
        try self.reader(of: blob, in: manifest).check()
    }
}

/// Checkpoints in a directory of a disk: one directory each, and the blobs that they share.
///
/// | name                  | what it is                                                    |
/// | --------------------- | ------------------------------------------------------------- |
/// | `blobs/`              | pieces of state, each file called by the hash of its content  |
/// | `checkpoint-N/`       | checkpoint N, and where it is a savepoint, its blobs          |
/// | `checkpoint-N/manifest` | ``CheckpointManifest``, written last: N exists               |
/// | `delivered-SINK`      | the number of the checkpoint that was delivered last to a sink |
/// | `lineage`             | the name of this life of the job                              |
/// | `outbox/`             | records that a checkpoint holds and that aren't delivered     |
package struct DiskCheckpointStore: CheckpointStore {
    package let directory: String
    let disk: any Disk

    private static let prefix = "checkpoint-"
    private static let manifestName = "manifest"
    private static let blobsName = "blobs"
    private static let draftName = "blob.new"

    package init(disk: any Disk, directory: String) {
        self.disk = disk
        self.directory = directory
    }

    func path(_ number: Int64) -> String { "\(self.directory)/\(Self.prefix)\(number)" }

    /// Where blobs lie: those that checkpoints share, or those of a savepoint.
    func blobDirectory(_ number: Int64, isSavepoint: Bool) -> String {
        isSavepoint ? self.path(number) : "\(self.directory)/\(Self.blobsName)"
    }

    package func writeBlob(
        of owner: StateOwner,
        checkpoint: Int64,
        isSavepoint: Bool,
        _ body: (StateBlobWriter) throws(CheckpointError) -> Void
    ) throws(CheckpointError) -> CheckpointManifest.Blob {
        let directory = self.blobDirectory(checkpoint, isSavepoint: isSavepoint)
        do {
            // Its directory says that the number was used, also when it is given up.
            try self.disk.createDirectory(self.path(checkpoint))
            try self.disk.createDirectory(directory)
        } catch {
            throw .disk(error)
        }
        let writer = try StateBlobWriter(directory: directory, draft: Self.draftName, on: self.disk)
        try body(writer)
        let (file, byteCount, stored) = try writer.finish()
        return CheckpointManifest.Blob(
            owner: owner,
            checkpoint: checkpoint,
            file: file,
            byteCount: byteCount,
            storedByteCount: stored
        )
    }

    package func commit(_ manifest: CheckpointManifest) throws(CheckpointError) {
        if manifest.isSavepoint { try self.copyShared(manifest) }
        do {
            try self.disk.createDirectory(self.path(manifest.number))
            try self.synchronizeBlobs(manifest)
            try self.writeManifest(manifest)
        } catch {
            throw .disk(error)
        }
    }

    /// Makes a checkpoint exist whose blobs are there, durably.
    func writeManifest(_ manifest: CheckpointManifest) throws(EnvironmentError) {
        let directory = self.path(manifest.number)
        let path = "\(directory)/\(Self.manifestName)"
        try? self.disk.remove("\(path).new")
        let file = try self.disk.createFile("\(path).new")
        let bytes = Array(manifest.text.utf8)
        let result = unsafe bytes.withUnsafeBytes { buffer in
            Result { () throws(EnvironmentError) in try unsafe file.append(buffer) }
        }
        try result.get()
        try file.synchronize()
        // The names of blobs must be durable before the manifest's is, and the directory's own with it.
        try self.disk.synchronizeDirectory(directory)
        try self.disk.rename("\(path).new", to: path)
        try self.disk.synchronizeDirectory(directory)
        try self.disk.synchronizeDirectory(self.directory)
        try self.disk.synchronizeDirectory(self.parent)
    }

    /// Makes the names of shared blobs durable before that of a manifest is.
    private func synchronizeBlobs(_ manifest: CheckpointManifest) throws(EnvironmentError) {
        guard !manifest.isSavepoint, !manifest.ownBlobs.isEmpty else { return }
        try self.disk.synchronizeDirectory("\(self.directory)/\(Self.blobsName)")
    }

    /// Gives a savepoint blobs of its own in place of those that it shares.
    private func copyShared(_ manifest: CheckpointManifest) throws(CheckpointError) {
        // Blobs of equal content have one name.
        var files = Set(manifest.ownBlobs.map(\.file))
        for blob in manifest.blobs where blob.checkpoint != manifest.number && files.insert(blob.file).inserted {
            let source = "\(self.blobDirectory(blob.checkpoint, isSavepoint: false))/\(blob.file)"
            do {
                try self.copy(source, to: "\(self.path(manifest.number))/\(blob.file)", of: self.disk)
            } catch {
                throw .disk(error)
            }
        }
    }

    private static let copyBytes = 1 << 20

    func copy(_ source: String, to target: String, of disk: any Disk) throws(EnvironmentError) {
        let from = try self.disk.openFile(source)
        let into = try disk.createFile(target)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.copyBytes, alignment: 16)
        defer { unsafe room.deallocate() }
        var offset: Int64 = 0
        while true {
            let count = try unsafe from.read(at: offset, into: room)
            if count == 0 { break }
            try unsafe into.append(UnsafeRawBufferPointer(rebasing: room[..<count]))
            offset += Int64(count)
        }
        try into.synchronize()
    }

    /// The directory that holds this one: its name there must be durable too.
    private var parent: String {
        guard let slash = self.directory.lastIndex(of: "/") else { return "." }
        return slash == self.directory.startIndex ? "/" : String(self.directory[..<slash])
    }

    package func list() throws(CheckpointError) -> (numbers: [Int64], lastNumber: Int64) {
        let names: [String]
        do {
            names = try self.disk.list(self.directory)
        } catch {
            if error.reason == .notFound { return ([], 0) }
            throw .disk(error)
        }
        let all = names.compactMap(Self.number).sorted()
        var complete: [Int64] = []
        for number in all {
            do {
                if try self.disk.list(self.path(number)).contains(Self.manifestName) { complete.append(number) }
            } catch {
                throw .disk(error)
            }
        }
        return (complete, all.last ?? 0)
    }

    /// The number in the name of a checkpoint's directory; nil where it is the name of something else.
    private static func number(_ name: String) -> Int64? {
        guard name.hasPrefix(self.prefix), let number = Int64(name.dropFirst(self.prefix.count)) else { return nil }
        return number > 0 && name == "\(self.prefix)\(number)" ? number : nil
    }

    package func manifest(_ number: Int64) throws(CheckpointError) -> CheckpointManifest {
        let path = "\(self.path(number))/\(Self.manifestName)"
        do {
            let file = try self.disk.openFile(path)
            let size = try file.size
            guard size <= CheckpointManifest.byteLimit else {
                throw CheckpointError.damaged(path, "it is larger than any manifest")
            }
            var bytes = [UInt8](repeating: 0, count: Int(size))
            let result = unsafe bytes.withUnsafeMutableBytes { buffer in
                Result { () throws(EnvironmentError) in try unsafe file.read(at: 0, into: buffer) }
            }
            bytes.removeLast(bytes.count - (try result.get()))
            let manifest = try CheckpointManifest(parsing: bytes)
            guard manifest.number == number else { throw CheckpointError.damaged(path, "it is that of another one") }
            return manifest
        } catch let error as CheckpointError {
            throw error
        } catch let error as EnvironmentError {
            throw .disk(error)
        } catch {
            throw .damaged(path, "\(error)")
        }
    }

    package func reader(
        of blob: CheckpointManifest.Blob,
        in manifest: CheckpointManifest
    ) throws(CheckpointError) -> StateBlobReader {
        let directory = self.blobDirectory(manifest.number, isSavepoint: manifest.isSavepoint)
        return try StateBlobReader("\(directory)/\(blob.file)", byteCount: blob.byteCount, on: self.disk)
    }

    package func recordDelivery(of number: Int64, to sink: String) throws(CheckpointError) {
        try self.replace("delivered-\(sink)", by: "\(number)\n")
    }

    package func deliveredCheckpoint(of sink: String) throws(CheckpointError) -> Int64? {
        guard let text = try self.line("delivered-\(sink)") else { return nil }
        guard let number = Int64(text) else {
            throw .damaged("\(self.directory)/delivered-\(sink)", "it doesn't hold a number")
        }
        return number
    }

    package func lineage(_ make: () -> String) throws(CheckpointError) -> String {
        if let name = try self.line("lineage"), !name.isEmpty { return name }
        let name = make()
        try self.replace("lineage", by: "\(name)\n")
        return name
    }

    /// Bytes that the small files beside the checkpoints have at most.
    private static let lineLimit = 256

    /// The first line of a small file; nil where there is none.
    private func line(_ name: String) throws(CheckpointError) -> String? {
        var bytes = [UInt8](repeating: 0, count: Self.lineLimit)
        do {
            let file = try self.disk.openFile("\(self.directory)/\(name)")
            let result = unsafe bytes.withUnsafeMutableBytes { buffer in
                Result { () throws(EnvironmentError) in try unsafe file.read(at: 0, into: buffer) }
            }
            bytes.removeLast(bytes.count - (try result.get()))
        } catch {
            if error.reason == .notFound { return nil }
            throw .disk(error)
        }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// Writes a small file so that it is there as a whole, durably.
    private func replace(_ name: String, by text: String) throws(CheckpointError) {
        let path = "\(self.directory)/\(name)"
        do {
            try self.disk.createDirectory(self.directory)
            try? self.disk.remove("\(path).new")
            let file = try self.disk.createFile("\(path).new")
            let bytes = Array(text.utf8)
            let result = unsafe bytes.withUnsafeBytes { buffer in
                Result { () throws(EnvironmentError) in try unsafe file.append(buffer) }
            }
            try result.get()
            try file.synchronize()
            try self.disk.rename("\(path).new", to: path)
            try self.disk.synchronizeDirectory(self.directory)
        } catch {
            throw .disk(error)
        }
    }

    package func remove(_ number: Int64) {
        let directory = self.path(number)
        // First the manifest, and durably: what is half removed must not look like a checkpoint.
        do {
            try self.removeManifest(in: directory)
        } catch {
            return
        }
        for name in (try? self.disk.list(directory)) ?? [] { try? self.disk.remove("\(directory)/\(name)") }
        try? self.disk.remove(directory)
        self.removeUnnamedBlobs()
    }

    /// Removes shared blobs that no checkpoint names; none while a manifest can't be read, since nobody knows what it names.
    private func removeUnnamedBlobs() {
        let directory = "\(self.directory)/\(Self.blobsName)"
        guard let files = try? self.disk.list(directory), let numbers = try? self.list().numbers else { return }
        var named: Set<String> = []
        for number in numbers {
            guard let manifest = try? self.manifest(number) else { return }
            if !manifest.isSavepoint { named.formUnion(manifest.blobs.map(\.file)) }
        }
        for file in files where !named.contains(file) { try? self.disk.remove("\(directory)/\(file)") }
    }

    private func removeManifest(in directory: String) throws(EnvironmentError) {
        do {
            try self.disk.remove("\(directory)/\(Self.manifestName)")
        } catch {
            // One that was given up has none.
            guard error.reason == .notFound else { throw error }
        }
        try self.disk.synchronizeDirectory(directory)
    }
}
