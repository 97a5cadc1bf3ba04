package import CoreTypes
package import Environment

/// Why a replica can't use its storage.
package enum RaftStorageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The disk refused; what was written last may be there or not, and the store must be opened again.
    case disk(EnvironmentError)
    /// There is nothing to start from: what was voted isn't known.
    case hardStateLost(directory: String)
    /// Made by something else, or by a later version.
    case notEmpty(directory: String)
    /// A file is as long as it should be, and not what was written.
    case snapshotDamaged(LogPosition, reason: String)

    package var description: String {
        switch self {
        case .disk(let error): error.description
        case .hardStateLost(let directory):
            "can't open the Raft log in '\(directory)': neither slot of its 'state' can be read, and whom this replica voted for "
                + "isn't known; remove the directory, and let the node join as a new one"
        case .notEmpty(let directory):
            "can't begin a Raft log in '\(directory)': one is there; open it, or choose another directory"
        case .snapshotDamaged(let position, let reason):
            "can't read the snapshot of \(position): \(reason); it is fetched again from another replica"
        }
    }
}
