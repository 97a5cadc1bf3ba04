internal import ConnectorKit
internal import CoordinationCore
internal import CoreTypes
internal import Engine
internal import Platform
internal import Storage
internal import WorkerService

/// What a stream goes on from: the newest checkpoint that can be read, or nothing.
struct StreamRecovery {
    private(set) var manifest: CheckpointManifest?
    private(set) var start = StreamStart()
    private(set) var splits: [String: SplitProgress] = [:]

    /// Keeps other runs out of the state directory.
    private var lock: DirectoryLock?

    /// Checkpoints that exist, oldest first, and the largest number that was ever used.
    private(set) var retained: [Int64] = []
    private(set) var lastNumber: Int64 = 0

    /// Why it can't be run.
    private(set) var problem: ConnectorError?

    /// What people should know: a newer checkpoint was damaged.
    private(set) var note: String?

    func isFinished(_ split: String) -> Bool { self.splits[split]?.isFinished ?? false }

    static func find(_ job: StreamJob) -> StreamRecovery {
        var recovery = StreamRecovery()
        guard let store = job.options.store else {
            recovery.begin(job)
            return recovery
        }
        do {
            if let directory = job.options.stateDirectory {
                recovery.lock = try DirectoryLock(directory)
                guard recovery.lock != nil else {
                    recovery.problem = ConnectorError(
                        .user,
                        retry: .never,
                        "another run is using the state directory '\(directory)'; wait for its end, or choose another --state"
                    )
                    return recovery
                }
            }
            (recovery.retained, recovery.lastNumber) = try store.list()
            recovery.start.lastNumber = recovery.lastNumber
        } catch {
            recovery.problem = ConnectorError(.external, retry: .never, "\(error)")
            return recovery
        }
        guard job.options.resumes else {
            if let newest = recovery.retained.last {
                recovery.problem = ConnectorError(
                    .user,
                    retry: .never,
                    "the state directory holds checkpoint \(newest) of an earlier run of this job; "
                        + "go on from it with --resume, or choose another directory with --state"
                )
            }
            recovery.begin(job)
            return recovery
        }
        recovery.restore(recovery.retained.reversed(), from: store, for: job, isOwn: true)
        if recovery.manifest == nil { recovery.begin(job) }
        return recovery
    }

    /// Begins from a checkpoint of another place, where there is one.
    private mutating func begin(_ job: StreamJob) {
        guard self.problem == nil, let (store, number) = job.options.beginning else { return }
        self.restore([number], from: store, for: job, isOwn: false)
        // What that run wrote is its own business.
        self.manifest = nil
    }

    /// Restores the first that can be read; `isOwn` says whether the run's own checkpoints go there as well.
    private mutating func restore(
        _ numbers: [Int64],
        from store: any CheckpointStore,
        for job: StreamJob,
        isOwn: Bool
    ) {
        var damages: [String] = []
        for number in numbers {
            do {
                let manifest = try store.manifest(number)
                if let mismatch = Self.mismatch(manifest, job) ?? Self.channelMismatch(manifest, job) {
                    self.problem = mismatch
                    return
                }
                let lost = Self.lostOperators(manifest, job)
                try CheckpointVerification(manifest, of: store).run()
                self.start.state = RestoredState(
                    manifest: manifest,
                    store: store,
                    lost: Set(lost),
                    keepsPieces: isOwn && !manifest.isSavepoint && manifest.parallelism == job.stream.parallelism
                )
                self.start.watermark = manifest.watermark
                self.start.stageWatermarks = manifest.stageWatermarks
                self.manifest = manifest
                for split in manifest.splits { self.splits[split.name] = split }
                if !damages.isEmpty {
                    self.note = "went on from checkpoint \(number): \(damages.joined(separator: "; "))"
                }
                return
            } catch {
                damages.append("checkpoint \(number): \(error)")
            }
        }
        guard !damages.isEmpty else { return }
        self.problem = ConnectorError(
            .external,
            retry: .never,
            "no checkpoint can be read: \(damages.joined(separator: "; "))"
        )
    }

    /// The operators whose state the job as it is now can't read, in the order of their names.
    private static func lostOperators(_ manifest: CheckpointManifest, _ job: StreamJob) -> [String] {
        let now = manifest.job == job.stream.name ? job.stream.operatorShapes : [:]
        return manifest.operators.filter { now[$0.key] != $0.value }.map(\.key).sorted()
    }

    /// Why what a checkpoint overtook can't go on to where it was going.
    private static func channelMismatch(_ manifest: CheckpointManifest, _ job: StreamJob) -> ConnectorError? {
        let stream = job.stream
        let channels = Set(manifest.pieces.map(\.owner.operatorID))
            .filter { $0.hasPrefix(CompiledStream.channelsPrefix) }
        guard !channels.isEmpty else { return nil }
        let reason: String
        let known = (0..<stream.stageCount).map { stream.channelsID(before: $0) }
        if manifest.parallelism != stream.parallelism {
            reason =
                "restores at its own parallelism, \(manifest.parallelism), and not at \(stream.parallelism): go on with "
                + "--parallelism \(manifest.parallelism)"
        } else if !job.options.allowsDrop, let lost = channels.subtracting(known).sorted().first {
            reason =
                "holds records on their way to a stage that the program doesn't have any more "
                + "(\(lost.dropFirst(CompiledStream.channelsPrefix.count))): undo the change, or drop them with --allow-drop"
        } else {
            return nil
        }
        let message =
            "checkpoint \(manifest.number) didn't wait for what was on its way between stages (it is unaligned), so that it "
            + "\(reason); a stream that is stopped with SIGTERM leaves a savepoint, which may be changed and rescaled"
        return ConnectorError(.user, retry: .never, message)
    }

    /// Why the state of a checkpoint isn't that of the job as it is now.
    private static func mismatch(_ manifest: CheckpointManifest, _ job: StreamJob) -> ConnectorError? {
        let name = job.stream.name
        guard manifest.job == name || job.options.allowsDrop else {
            let message =
                "the state directory belongs to the job \(manifest.job), not to \(name); choose another --state"
            return ConnectorError(.user, retry: .never, message)
        }
        let lost = Self.lostOperators(manifest, job)
        guard !lost.isEmpty, !job.options.allowsDrop else { return nil }
        let now = job.stream.operatorShapes
        let list = lost.map { "\($0) was (\(manifest.operators[$0] ?? "")), is (\(now[$0] ?? "gone"))" }
            .joined(separator: "; ")
        return ConnectorError(
            .user,
            retry: .never,
            "the program changed what its state means: \(list); undo the change, start with a new --state, or drop that "
                + "state with --allow-drop"
        )
    }
}
