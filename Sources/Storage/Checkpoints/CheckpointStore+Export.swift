internal import Environment

extension DiskCheckpointStore {
    /// Copies a checkpoint as a savepoint, which needs nothing beside it, and reads all of the copy.
    ///
    /// A stream may write and retire checkpoints of this store meanwhile.
    ///
    /// - Returns: The savepoint's manifest.
    /// - Throws: There is one of that number in the target; the checkpoint was retired meanwhile, or is damaged; the disk
    ///   refuses. What was copied is removed then; what was there before stays.
    package func export(
        _ number: Int64,
        to target: DiskCheckpointStore
    ) throws(CheckpointError) -> CheckpointManifest {
        let original = try self.manifest(number)
        var copy = original
        copy.isSavepoint = true
        let directory = target.path(number)
        guard try !target.list().numbers.contains(number) else {
            throw .state("can't make a savepoint: '\(directory)' exists; name another directory")
        }
        do throws(CheckpointError) {
            try self.copyFiles(of: original, to: target, directory)
            do {
                try target.writeManifest(copy)
            } catch {
                throw .disk(error)
            }
            try target.verify(copy)
        } catch {
            target.remove(number)
            throw error
        }
        return copy
    }

    private func copyFiles(
        of original: CheckpointManifest,
        to target: DiskCheckpointStore,
        _ directory: String
    ) throws(CheckpointError) {
        do {
            try target.disk.createDirectory(directory)
            let source = self.blobDirectory(original.number, isSavepoint: original.isSavepoint)
            for file in Set(original.blobs.map(\.file)).sorted() {
                try? target.disk.remove("\(directory)/\(file)")
                try self.copy("\(source)/\(file)", to: "\(directory)/\(file)", of: target.disk)
            }
        } catch {
            throw .disk(error)
        }
    }
}
