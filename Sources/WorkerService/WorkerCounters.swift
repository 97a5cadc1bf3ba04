internal import Synchronization

/// What a job's subtasks have done so far, for whoever shows progress.
///
/// Isolation: subtasks add, anyone reads; figures of one moment needn't match to the last record.
package final class WorkerCounters: Sendable {
    private let bytes = Atomic<Int64>(0)
    private let records = Atomic<Int64>(0)
    private let pairs = Atomic<Int64>(0)
    private let keys = Atomic<Int64>(0)
    private let results = Atomic<Int64>(0)
    private let spilled = Atomic<Int64>(0)
    private let runs = Atomic<Int64>(0)
    private let rejected = Atomic<Int64>(0)

    package init() {}

    /// Bytes read of the inputs, as they lie on disk.
    package var inputBytes: Int64 { self.bytes.load(ordering: .relaxed) }
    package var inputRecords: Int64 { self.records.load(ordering: .relaxed) }

    /// Pairs that the map emitted.
    package var mappedPairs: Int64 { self.pairs.load(ordering: .relaxed) }

    /// Keys that were reduced.
    package var reducedKeys: Int64 { self.keys.load(ordering: .relaxed) }

    /// Pairs that were written.
    package var outputRecords: Int64 { self.results.load(ordering: .relaxed) }

    /// Bytes on disk of sorted runs, and how many runs they are.
    package var spilledBytes: Int64 { self.spilled.load(ordering: .relaxed) }
    package var spilledRuns: Int64 { self.runs.load(ordering: .relaxed) }

    /// Records that were left out under the policies `skip` and `dead-letter`.
    package var rejectedRecords: Int64 { self.rejected.load(ordering: .relaxed) }

    func addInput(bytes: Int64, records: Int64, pairs: Int64, rejected: Int64) {
        self.bytes.wrappingAdd(bytes, ordering: .relaxed)
        self.records.wrappingAdd(records, ordering: .relaxed)
        self.pairs.wrappingAdd(pairs, ordering: .relaxed)
        if rejected > 0 { self.rejected.wrappingAdd(rejected, ordering: .relaxed) }
    }

    func addOutput(keys: Int64, records: Int64) {
        self.keys.wrappingAdd(keys, ordering: .relaxed)
        self.results.wrappingAdd(records, ordering: .relaxed)
    }

    func addRejected(_ records: Int64) {
        if records > 0 { self.rejected.wrappingAdd(records, ordering: .relaxed) }
    }

    func addSpilled(bytes: Int64, runs: Int64) {
        self.spilled.wrappingAdd(bytes, ordering: .relaxed)
        self.runs.wrappingAdd(runs, ordering: .relaxed)
    }
}
