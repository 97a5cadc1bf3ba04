package import CoreTypes
package import Environment
import Synchronization

/// A disk in memory that knows what would be left of it behind a loss of power.
///
/// Content that wasn't made durable survives or doesn't, sector by sector, and some sectors are torn; so do names, each for
/// itself. Durable bytes may be damaged.
package final class SimulatedDisk: Disk {
    /// What is written at once, or not.
    package static let sectorBytes = 512

    fileprivate struct File {
        var content: [UInt8] = []
        var durable: [UInt8] = []

        /// What may differ between the two.
        var changed: Range<Int>?

        mutating func write(_ bytes: [UInt8], at offset: Int) {
            let end = offset + bytes.count
            Self.copy(bytes[...], to: offset, of: &self.content)
            let known = self.changed ?? offset..<end
            self.changed = min(known.lowerBound, offset)..<max(known.upperBound, end)
        }

        mutating func synchronize() {
            guard let changed = self.changed else { return }
            Self.copy(self.content[changed], to: changed.lowerBound, of: &self.durable)
            self.changed = nil
        }

        private static func copy(_ bytes: ArraySlice<UInt8>, to offset: Int, of target: inout [UInt8]) {
            if target.count < offset { target += [UInt8](repeating: 0, count: offset - target.count) }
            if target.count == offset {
                target += bytes
                return
            }
            let inside = bytes.prefix(target.count - offset)
            unsafe target.withUnsafeMutableBytes { buffer in
                unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[offset...]).copyBytes(from: inside)
            }
            target += bytes.dropFirst(inside.count)
        }

        mutating func losePower(_ random: inout SplitMix64) {
            guard let changed = self.changed else { return }
            let size = random.next(in: self.durable.count..<(max(self.durable.count, self.content.count) + 1))
            self.durable += repeatElement(0, count: size - self.durable.count)
            var start = changed.lowerBound / SimulatedDisk.sectorBytes * SimulatedDisk.sectorBytes
            let end = min(changed.upperBound, size)
            while start < end {
                let sector = start..<min(start + SimulatedDisk.sectorBytes, size)
                switch random.next(in: 0..<10) {
                case 0..<5: self.durable.replaceSubrange(sector, with: self.content[sector])
                case 5:
                    let torn = sector.lowerBound..<random.next(in: sector)
                    self.durable.replaceSubrange(torn, with: self.content[torn])
                default: break
                }
                start = sector.upperBound
            }
            self.content = self.durable
            self.changed = nil
        }
    }

    fileprivate struct State {
        /// By number, which a file keeps whatever it is called.
        var files: [Int: File] = [:]
        var fileCount = 0
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]

        /// Those that may differ between the two.
        var changedNames: Set<String> = []
        var failure: EnvironmentError?

        /// Calls until the power goes; nil: it stays.
        var callsLeft: Int?
        static let directory = -1

        mutating func setName(_ name: String, _ number: Int?) {
            self.names[name] = number
            self.changedNames.insert(name)
        }

        mutating func synchronizeNames(_ isIncluded: (String) -> Bool) {
            for name in self.changedNames where isIncluded(name) {
                self.durableNames[name] = self.names[name]
                self.changedNames.remove(name)
            }
        }
    }

    fileprivate let state = Mutex(State())

    package init() {}

    /// Every call fails with this until it is nil again.
    package var failure: EnvironmentError? {
        get { self.state.withLock { $0.failure } }
        set { self.state.withLock { $0.failure = newValue } }
    }

    /// The power goes in the middle of what is done next, behind so many calls.
    package func failPower(afterCalls count: Int) { self.state.withLock { $0.callsLeft = count } }

    /// The power goes: what wasn't durable is there or not, as `random` draws.
    package func losePower(_ random: inout SplitMix64) {
        self.state.withLock { state in
            state.failure = nil
            state.callsLeft = nil
            for name in state.changedNames.sorted() {
                guard state.names[name] != state.durableNames[name] else { continue }
                if random.chance(percent: 50) {
                    state.names[name] = state.durableNames[name]
                } else {
                    state.durableNames[name] = state.names[name]
                }
            }
            state.changedNames = []
            let named = Set(state.names.values)
            for number in state.files.keys.sorted() {
                if named.contains(number) {
                    state.files[number]?.losePower(&random)
                } else {
                    state.files[number] = nil
                }
            }
        }
    }

    /// Changes bytes of a file behind everybody's back; nothing where there is no such file.
    package func change(_ path: String, _ body: (inout [UInt8]) -> Void) {
        self.state.withLock { state in
            guard let number = state.names[path], var file = state.files.removeValue(forKey: number) else { return }
            body(&file.content)
            file.durable = file.content
            file.changed = nil
            state.files[number] = file
        }
    }

    package func content(_ path: String) -> [UInt8]? {
        self.state.withLock { state in state.names[path].flatMap { state.files[$0]?.content } }
    }

    /// Of files, sorted.
    package var paths: [String] {
        self.state.withLock { state in state.names.filter { $0.value != State.directory }.keys.sorted() }
    }

    fileprivate func perform<Result>(
        _ body: (inout State) throws(EnvironmentError) -> Result
    ) throws(EnvironmentError) -> Result {
        try self.state.withLock { state throws(EnvironmentError) in
            if let failure = state.failure { throw failure }
            if let left = state.callsLeft {
                guard left > 0 else {
                    throw EnvironmentError("use the disk", reason: .other(code: 5), detail: "the power is gone")
                }
                state.callsLeft = left - 1
            }
            return try body(&state)
        }
    }

    private static func missing(_ attempt: String) -> EnvironmentError {
        EnvironmentError(attempt, reason: .notFound, detail: "No such file or directory (ENOENT)")
    }

    private static func isEntry(_ name: String, of directory: String) -> Bool {
        name.hasPrefix(directory + "/") && !name.dropFirst(directory.count + 1).contains("/")
    }

    // MARK: Disk

    package func createDirectory(_ path: String) throws(EnvironmentError) {
        try self.perform { state throws(EnvironmentError) in
            guard state.names[path] == nil else { return }
            state.names[path] = State.directory
            state.durableNames[path] = State.directory
        }
    }

    package func createFile(_ path: String) throws(EnvironmentError) -> any DiskFile {
        let number = try self.perform { state throws(EnvironmentError) in
            guard state.names[path] == nil else {
                throw EnvironmentError("create '\(path)'", reason: .alreadyExists, detail: "File exists (EEXIST)")
            }
            state.fileCount += 1
            state.files[state.fileCount] = File()
            state.setName(path, state.fileCount)
            return state.fileCount
        }
        return SimulatedFile(path: path, number: number, disk: self)
    }

    package func createUnnamedFile(in directory: String) throws(EnvironmentError) -> any DiskFile {
        throw EnvironmentError(
            "create a file in '\(directory)'",
            reason: .notPermitted,
            detail: "files here have names"
        )
    }

    package func openFile(_ path: String) throws(EnvironmentError) -> any DiskFile {
        let number = try self.perform { state throws(EnvironmentError) in
            guard let number = state.names[path], number != State.directory else {
                throw Self.missing("open '\(path)'")
            }
            return number
        }
        return SimulatedFile(path: path, number: number, disk: self)
    }

    package func rename(_ path: String, to newPath: String) throws(EnvironmentError) {
        try self.perform { state throws(EnvironmentError) in
            guard let number = state.names[path] else { throw Self.missing("rename '\(path)'") }
            state.setName(path, nil)
            state.setName(newPath, number)
        }
    }

    package func remove(_ path: String) throws(EnvironmentError) {
        try self.perform { state throws(EnvironmentError) in
            guard state.names[path] != nil else { throw Self.missing("remove '\(path)'") }
            state.setName(path, nil)
        }
    }

    package func list(_ directory: String) throws(EnvironmentError) -> [String] {
        try self.perform { state throws(EnvironmentError) in
            guard state.names[directory] == State.directory else { throw Self.missing("list '\(directory)'") }
            return state.names.keys.filter { Self.isEntry($0, of: directory) }
                .map { String($0.dropFirst(directory.count + 1)) }.sorted()
        }
    }

    package func synchronizeDirectory(_ path: String) throws(EnvironmentError) {
        try self.perform { state throws(EnvironmentError) in
            guard state.names[path] == State.directory else { throw Self.missing("open '\(path)'") }
            state.synchronizeNames { Self.isEntry($0, of: path) }
        }
    }
}

private final class SimulatedFile: DiskFile {
    let path: String
    private let number: Int
    private let disk: SimulatedDisk

    init(path: String, number: Int, disk: SimulatedDisk) {
        self.path = path
        self.number = number
        self.disk = disk
    }

    var size: Int64 {
        get throws(EnvironmentError) {
            try self.disk.perform { state throws(EnvironmentError) in
                Int64(state.files[self.number]?.content.count ?? 0)
            }
        }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(EnvironmentError) {
        try unsafe self.write(bytes, at: self.size)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(EnvironmentError) {
        let copy = unsafe Array(bytes)
        try self.disk.perform { state throws(EnvironmentError) in
            state.files[self.number]?.write(copy, at: Int(offset))
        }
    }

    func discard(_ range: Range<Int64>) {}

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(EnvironmentError) -> Int {
        let limit = buffer.count
        let bytes = try self.disk.perform { state throws(EnvironmentError) in
            Array((state.files[self.number]?.content ?? []).dropFirst(Int(offset)).prefix(limit))
        }
        unsafe buffer.copyBytes(from: bytes)
        return bytes.count
    }

    func synchronize() throws(EnvironmentError) {
        try self.disk.perform { state throws(EnvironmentError) in state.files[self.number]?.synchronize() }
    }
}
