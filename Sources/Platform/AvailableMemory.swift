/// How much memory this process could still take.
package enum AvailableMemory {
    /// Bytes that can be used without swapping or being killed: what the machine has left, or less where a control
    /// group (a container, a systemd unit) allows less.
    ///
    /// Nil where the kernel doesn't tell.
    package static func bytes() -> Int64? {
        let machine = TextFile.read("/proc/meminfo").flatMap { TextFile.kibibytes("MemAvailable", in: $0) }
        let group = self.controlGroupBytes(
            membership: TextFile.read("/proc/self/cgroup") ?? "",
            read: TextFile.read
        )
        guard let machine else { return group }
        return group.map { min($0, machine) } ?? machine
    }

    /// What the control groups of a process leave it, the tightest of them and of those around it.
    ///
    /// `membership` is the text of `/proc/self/cgroup`: lines `NUMBER:CONTROLLERS:PATH`, with 0 and no controllers for
    /// version 2.
    static func controlGroupBytes(membership: String, read: (String) -> String?) -> Int64? {
        var least: Int64?
        for line in membership.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let files: ControlGroupFiles
            if fields[1].isEmpty {
                files = .version2
            } else if fields[1].split(separator: ",").contains("memory") {
                files = .version1
            } else {
                continue
            }
            // From the group itself up to the root: each of them limits it.
            var names = fields[2].split(separator: "/")
            while true {
                let directory = ([files.root] + names.map(String.init)).joined(separator: "/")
                if let left = files.left(in: directory, read) { least = min(least ?? left, left) }
                if names.popLast() == nil { break }
            }
        }
        return least
    }
}

/// The files in which a version of control groups keeps its figures.
private struct ControlGroupFiles {
    let root: String
    let limit: String
    let usage: String
    let reclaimable: String

    static let version2 = ControlGroupFiles(
        root: "/sys/fs/cgroup",
        limit: "memory.max",
        usage: "memory.current",
        reclaimable: "inactive_file"
    )

    static let version1 = ControlGroupFiles(
        root: "/sys/fs/cgroup/memory",
        limit: "memory.limit_in_bytes",
        usage: "memory.usage_in_bytes",
        reclaimable: "total_inactive_file"
    )

    func left(in directory: String, _ read: (String) -> String?) -> Int64? {
        // "max" isn't a number, and means that there is no limit.
        guard
            let limit = read("\(directory)/\(self.limit)").flatMap(Self.number),
            let usage = read("\(directory)/\(self.usage)").flatMap(Self.number)
        else { return nil }
        // Cached files count as used, though the kernel drops them when somebody needs the memory.
        let statistics = read("\(directory)/memory.stat") ?? ""
        var reclaimable: Int64 = 0
        for line in statistics.split(separator: "\n") where line.hasPrefix(self.reclaimable + " ") {
            reclaimable = line.split(separator: " ").last.map(String.init).flatMap(Self.number) ?? 0
        }
        return max(0, limit - usage + reclaimable)
    }

    private static func number(_ text: String) -> Int64? {
        Int64(text.split { $0 == "\n" || $0 == " " }.first ?? "")
    }
}
