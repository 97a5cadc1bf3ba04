internal import Engine
internal import Environment
private import Synchronization

/// A file that all runs of a job share, cut into extents that belong to one run each.
///
/// The file has no name: however the process ends, the space is free again. One file and not one for each run, so
/// that the number of runs isn't limited by that of open files.
final class SpillFile: Sendable {
    /// A multiple of every block size of disks, so that a run that goes away frees all its space.
    ///
    /// A run that needs less leaves a hole, which takes no space either.
    static let extentBytes: Int64 = 4 * 1_024 * 1_024

    private struct State {
        var file: (any DiskFile)?
        var end: Int64 = 0
        var free: [Int64] = []
        var runCount: UInt32 = 0
    }

    private let disk: any Disk
    let directory: String
    private let state = Mutex(State())

    init(disk: any Disk, directory: String) {
        self.disk = disk
        self.directory = directory
    }

    /// The file, created when the first run asks for it, and a number for that run.
    func open() throws(EnvironmentError) -> (file: any DiskFile, run: UInt32) {
        try self.state.withLock { state throws(EnvironmentError) in
            state.runCount += 1
            if let file = state.file { return (file, state.runCount) }
            try self.disk.createDirectory(self.directory)
            let file = try self.disk.createUnnamedFile(in: self.directory)
            state.file = file
            return (file, state.runCount)
        }
    }

    /// The start of an extent that nobody else has.
    func takeExtent() -> Int64 {
        self.state.withLock { state in
            if let free = state.free.popLast() { return free }
            defer { state.end += Self.extentBytes }
            return state.end
        }
    }

    func giveBack(_ extents: [Int64]) {
        let file = self.state.withLock { $0.file }
        for extent in extents {
            file?.discard(extent..<extent + Self.extentBytes)
        }
        self.state.withLock { $0.free.append(contentsOf: extents) }
    }
}

/// The extents of one run; given back when nothing refers to them any longer.
final class SpillExtents: Sendable {
    let spill: SpillFile
    let starts: [Int64]

    init(_ spill: SpillFile, starts: [Int64]) {
        self.spill = spill
        self.starts = starts
    }

    deinit {
        self.spill.giveBack(self.starts)
    }
}
