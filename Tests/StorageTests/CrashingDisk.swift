import CoreTypes
import Environment
import Synchronization

/// A disk in memory that knows what would be left of it behind a crash.
///
/// Every call is an operation and counted from 1; one of them may be made to fail, alone or with all that follow. Content
/// that wasn't made durable, and names that weren't, survive a loss of power or don't, each for itself.
final class CrashingDisk: Disk {
    enum Fault: Hashable, Sendable {
        case none
        /// This one fails, and nothing works until the disk is started again.
        case crash(operation: Int)
        /// This one fails.
        case failure(operation: Int)
    }

    fileprivate struct File {
        var content: [UInt8] = []
        var durableContent: [UInt8] = []
    }

    fileprivate struct State {
        var fault = Fault.none
        var operationCount = 0
        var bytesLimit = Int.max
        /// By number, which a file keeps whatever it is called.
        var files: [Int: File] = [:]
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        /// Directories are names too, of this number.
        static let directory = -1
    }

    fileprivate let state: Mutex<State>

    /// A disk on which these directories exist for good.
    init(_ directories: [String]) {
        var state = State()
        for directory in directories { state.names[directory] = State.directory }
        state.durableNames = state.names
        self.state = Mutex(state)
    }

    var operationCount: Int { self.state.withLock { $0.operationCount } }

    /// Room for the content of all files.
    func limit(_ bytes: Int) { self.state.withLock { $0.bytesLimit = bytes } }

    var usedBytes: Int { self.state.withLock { $0.files.values.reduce(0) { $0 + $1.content.count } } }

    /// Counts operations from here on, of which one fails.
    func arm(_ fault: Fault) {
        self.state.withLock { state in
            state.fault = fault
            state.operationCount = 0
        }
    }

    /// Starts again, with everything as the process left it.
    func restart() { self.arm(.none) }

    /// Starts again behind a loss of power: what wasn't made durable is there or not, as chance has it.
    func restart(losing random: inout SplitMix64) {
        self.arm(.none)
        self.state.withLock { state in
            for name in Set(state.names.keys).union(state.durableNames.keys).sorted() {
                guard state.names[name] != state.durableNames[name], random.chance(percent: 50) else { continue }
                state.names[name] = state.durableNames[name]
            }
            // What lies in a directory that is gone is gone.
            for name in state.names.keys.sorted() where name.contains("/") {
                let parent = name.split(separator: "/").dropLast().joined(separator: "/")
                if state.names[parent] == nil { state.names[name] = nil }
            }
            for number in state.files.keys.sorted() {
                guard let file = state.files[number], file.content != file.durableContent else { continue }
                // Some of what was written behind, and zeros where blocks didn't come so far.
                let kept = random.next(in: file.durableContent.count..<(file.content.count + 1))
                var content = Array(file.content[..<kept])
                for index in file.durableContent.count..<kept where random.chance(percent: 20) { content[index] = 0 }
                state.files[number]?.content = content
                state.files[number]?.durableContent = content
            }
            state.durableNames = state.names
        }
    }

    /// Changes a file behind everybody's back.
    func change(_ path: String, _ body: (inout [UInt8]) -> Void) {
        self.state.withLock { state in
            guard let number = state.names[path], var file = state.files[number] else { return }
            body(&file.content)
            state.files[number] = file
        }
    }

    func content(_ path: String) -> [UInt8]? {
        self.state.withLock { state in state.names[path].flatMap { state.files[$0]?.content } }
    }

    fileprivate func perform<Result>(
        _ attempt: String,
        _ body: (inout State) throws(EnvironmentError) -> Result
    ) throws(EnvironmentError) -> Result {
        try self.state.withLock { state throws(EnvironmentError) in
            state.operationCount += 1
            let isRefused =
                switch state.fault {
                case .none: false
                case .crash(let operation): state.operationCount >= operation
                case .failure(let operation): state.operationCount == operation
                }
            guard !isRefused else {
                throw EnvironmentError(attempt, reason: .other(code: 5), detail: "the test wants it so")
            }
            return try body(&state)
        }
    }

    private static func missing(_ attempt: String) -> EnvironmentError {
        EnvironmentError(attempt, reason: .notFound, detail: "No such file or directory (ENOENT)")
    }

    // MARK: Disk

    func createDirectory(_ path: String) throws(EnvironmentError) {
        try self.perform("create the directory '\(path)'") { state throws(EnvironmentError) in
            var current = ""
            for part in path.split(separator: "/") {
                current += current.isEmpty ? part : "/" + part
                if state.names[current] == nil { state.names[current] = State.directory }
            }
        }
    }

    func createFile(_ path: String) throws(EnvironmentError) -> any DiskFile {
        let attempt = "create '\(path)'"
        let number = try self.perform(attempt) { state throws(EnvironmentError) in
            guard state.names[path] == nil else {
                throw EnvironmentError(attempt, reason: .alreadyExists, detail: "File exists (EEXIST)")
            }
            let number = state.files.count
            state.files[number] = File()
            state.names[path] = number
            return number
        }
        return CrashingFile(path: path, number: number, disk: self)
    }

    func createUnnamedFile(in directory: String) throws(EnvironmentError) -> any DiskFile {
        throw EnvironmentError("create a file", reason: .notPermitted, detail: "checkpoints have names")
    }

    func openFile(_ path: String) throws(EnvironmentError) -> any DiskFile {
        let number = try self.perform("open '\(path)'") { state throws(EnvironmentError) in
            guard let number = state.names[path], number != State.directory else {
                throw Self.missing("open '\(path)'")
            }
            return number
        }
        return CrashingFile(path: path, number: number, disk: self)
    }

    func rename(_ path: String, to newPath: String) throws(EnvironmentError) {
        try self.perform("rename '\(path)'") { state throws(EnvironmentError) in
            guard let number = state.names[path] else { throw Self.missing("rename '\(path)'") }
            state.names[path] = nil
            state.names[newPath] = number
        }
    }

    func remove(_ path: String) throws(EnvironmentError) {
        try self.perform("remove '\(path)'") { state throws(EnvironmentError) in
            guard state.names[path] != nil else { throw Self.missing("remove '\(path)'") }
            guard !state.names.keys.contains(where: { $0.hasPrefix(path + "/") }) else {
                throw EnvironmentError("remove '\(path)'", reason: .other(code: 39), detail: "not empty (ENOTEMPTY)")
            }
            state.names[path] = nil
        }
    }

    func list(_ directory: String) throws(EnvironmentError) -> [String] {
        try self.perform("list '\(directory)'") { state throws(EnvironmentError) in
            guard state.names[directory] == State.directory else { throw Self.missing("list '\(directory)'") }
            return state.names.keys.filter { Self.isEntry($0, of: directory) }
                .map { String($0.dropFirst(directory.count + 1)) }.sorted()
        }
    }

    func synchronizeDirectory(_ path: String) throws(EnvironmentError) {
        try self.perform("make '\(path)' durable") { state throws(EnvironmentError) in
            guard state.names[path] == State.directory else { throw Self.missing("open '\(path)'") }
            for name in Set(state.names.keys).union(state.durableNames.keys) where Self.isEntry(name, of: path) {
                state.durableNames[name] = state.names[name]
            }
        }
    }

    private static func isEntry(_ name: String, of directory: String) -> Bool {
        name.hasPrefix(directory + "/") && !name.dropFirst(directory.count + 1).contains("/")
    }
}

private final class CrashingFile: DiskFile {
    let path: String
    private let number: Int
    private let disk: CrashingDisk

    init(path: String, number: Int, disk: CrashingDisk) {
        self.path = path
        self.number = number
        self.disk = disk
    }

    var size: Int64 {
        get throws(EnvironmentError) {
            try self.disk.perform("look at '\(self.path)'") { state throws(EnvironmentError) in
                Int64(state.files[self.number]?.content.count ?? 0)
            }
        }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(EnvironmentError) {
        let copy = unsafe Array(bytes)
        try self.disk.perform("write to '\(self.path)'") { state throws(EnvironmentError) in
            let used = state.files.values.reduce(0) { $0 + $1.content.count }
            // What fits is written all the same.
            state.files[self.number]?.content += copy.prefix(max(state.bytesLimit - used, 0))
            guard used + copy.count <= state.bytesLimit else {
                throw EnvironmentError("write to '\(self.path)'", reason: .noSpace, detail: "disk full (ENOSPC)")
            }
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(EnvironmentError) {
        throw EnvironmentError("write to '\(self.path)'", reason: .notPermitted, detail: "checkpoints are appended")
    }

    func discard(_ range: Range<Int64>) {}

    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(EnvironmentError) -> Int {
        let limit = buffer.count
        let bytes = try self.disk.perform("read '\(self.path)'") { state throws(EnvironmentError) in
            Array((state.files[self.number]?.content ?? []).dropFirst(Int(offset)).prefix(limit))
        }
        unsafe buffer.copyBytes(from: bytes)
        return bytes.count
    }

    func synchronize() throws(EnvironmentError) {
        try self.disk.perform("make '\(self.path)' durable") { state throws(EnvironmentError) in
            guard let file = state.files[self.number] else { return }
            state.files[self.number]?.durableContent = file.content
        }
    }
}
