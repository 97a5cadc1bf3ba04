internal import CRocksdb
internal import Engine

/// The functions of RocksDB.
///
/// The library is loaded when states first go to disk: what linking it costs every run is in
/// `docs/decisions/0013-user-state-goes-to-rocksdb.md`.
// SAFETY: pointers to functions that are loaded once and never unloaded; they may be called from any thread.
@safe
struct RocksLibrary: @unchecked Sendable {
    let functions: weir_rocksdb

    static func load() throws(SpillError) -> RocksLibrary {
        let functions = UnsafeMutablePointer<weir_rocksdb>.allocate(capacity: 1)
        defer { unsafe functions.deallocate() }
        var problem: UnsafePointer<CChar>?
        guard unsafe weir_rocksdb_load(functions, &problem) == 1 else {
            let reason = unsafe problem.map { unsafe String(cString: $0) } ?? "it isn't there"
            throw SpillError(
                .failed,
                "can't put the states of keys on disk: RocksDB can't be loaded: \(reason); install librocksdb "
                    + "(Debian: librocksdb7.8), or give the stream more --memory"
            )
        }
        return unsafe RocksLibrary(functions: functions.pointee)
    }
}

/// What RocksDB reports, as other errors of spilling are: what was attempted, what happened and what to do.
struct RocksFailure {
    let attempt: String
    let path: String

    /// Calls a function of the library that may fail.
    func check<Result>(
        _ library: RocksLibrary,
        _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) throws(SpillError) -> Result {
        var message: UnsafeMutablePointer<CChar>?
        let result = unsafe body(&message)
        guard let message = unsafe message else { return result }
        defer { unsafe library.functions.free(message) }
        throw unsafe self.error(String(cString: message))
    }

    func error(_ message: String) -> SpillError {
        // The kinds of RocksDB's `Status`, as it writes them.
        let (reason, advice): (SpillError.Reason, String) =
            if message.contains("No space left") || message.hasPrefix("IO error: No space") {
                (.noSpace, "free some space there, choose another disk with TMPDIR, or give the stream more --memory")
            } else if message.hasPrefix("Corruption") {
                (.corrupt, "check the disk, and run the job again")
            } else {
                (.failed, "check the path and the machine's log, or choose another directory with TMPDIR")
            }
        return SpillError(reason, "can't \(self.attempt) the states of keys in '\(self.path)': \(message); \(advice)")
    }
}
