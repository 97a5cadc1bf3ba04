private import Synchronization

/// Which output directories sinks of this process write to, or have written: so that messages can tell them from those
/// of other runs.
///
/// Nothing but messages depends on it; locks keep writers apart.
enum OutputClaims {
    /// More directories than a program may have jobs for: those beyond aren't told apart.
    static let countLimit = 65_536

    /// By paths without links and dots: numbers of directories are given anew when one is removed.
    private static let counts = Mutex<[String: Int]>([:])

    /// Takes down that a sink wants to write to a directory.
    ///
    /// - Returns: What to give to the others; nil where the directory can't be told from others.
    static func claim(_ path: String) -> String? {
        guard let path = OutputDirectory.realPath(path) else { return nil }
        return self.counts.withLock { counts in
            guard counts[path] != nil || counts.count < self.countLimit else { return nil }
            counts[path, default: 0] += 1
            return path
        }
    }

    /// Takes a claim back of a sink that wrote nothing.
    static func release(_ claim: String?) {
        guard let claim else { return }
        self.counts.withLock { counts in
            let left = (counts[claim] ?? 0) - 1
            counts[claim] = left > 0 ? left : nil
        }
    }

    /// Whether others than the one that claimed it did so too.
    static func hasOthers(_ claim: String?) -> Bool {
        guard let claim else { return false }
        return self.counts.withLock { $0[claim] ?? 0 } > 1
    }
}
