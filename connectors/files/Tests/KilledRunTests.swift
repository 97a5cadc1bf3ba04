import ConnectorKit
import Foundation
import Synchronization
import Testing

@testable import FilesConnector

/// Runs that end without a chance to clean up, disks that are full.
@Suite struct KilledRunTests {
    private let directory = TemporaryDirectory()

    @Test func `a run that is killed leaves no output, and the next one cleans up`() async throws {
        let path = self.directory.file("out")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let sink = PathSink(path: path, options: PathSinkOptions())
            try sink.prepare()
            _ = try sink.part(0, "a\n")
            let writer = try sink.makeWriter(partition: 1, attempt: 1, contentType: .text)
            kill(getpid(), SIGKILL)
            writer.discard()
        }
        let left = self.directory.names().filter { $0.hasPrefix("out/") && !$0.hasPrefix("out/.weir-tmp-") }

        let sink = PathSink(path: path, options: PathSinkOptions())
        try sink.prepare()
        try sink.commit([try sink.part(0, "b\n")])

        #expect(left == [])
        #expect(self.directory.names() == ["out", "out/_SUCCESS", "out/part-00000"])
        #expect(try self.directory.read("out/part-00000") == Array("b\n".utf8))
    }

    @Test func `two runs at once don't write to the same directory`() throws {
        let first = self.makeSink()
        try first.prepare()
        let part = try first.part(0, "a\n")

        let error = #expect(throws: ConnectorError.self) { try self.makeSink(replacesOutput: true).prepare() }
        try first.commit([part])

        #expect(error?.message.contains("another job of this program, or this job's other sink, is writing") == true)
        #expect(try self.directory.read("out/part-00000") == Array("a\n".utf8))
    }

    @Test func `of many that begin at once one writes, and the others say why they don't`() {
        let path = self.directory.file("new/out")
        let messages = Mutex<[String]>([])
        // Nobody's lock goes away before all have tried.
        let sinks = (0..<8).map { _ in PathSink(path: path, options: PathSinkOptions()) }

        DispatchQueue.concurrentPerform(iterations: sinks.count) { index in
            do {
                try sinks[index].prepare()
            } catch {
                messages.withLock { $0.append("\(error)") }
            }
        }

        let found = messages.withLock { $0 }
        #expect(found.count == 7)
        #expect(
            found.allSatisfy { $0.contains("another job of this program") && $0.contains("writing there") },
            "\(found)"
        )
        withExtendedLifetime(sinks) {}
    }

    @Test func `a second job of one program into the same directory is told who wrote there`() throws {
        let first = self.makeSink()
        try first.prepare()
        try first.commit([try first.part(0, "a\n")])

        let error = #expect(throws: ConnectorError.self) { try self.makeSink().prepare() }

        #expect(error?.message.contains("('_SUCCESS', 'part-00000'), since a job of this program has written") == true)
    }

    @Test func `a directory that a job of this program gave up counts as anybody's`() throws {
        let first = self.makeSink()
        try first.prepare()
        first.abort()
        try self.directory.write("a\n", to: "out/part-00000")

        let error = #expect(throws: ConnectorError.self) { try self.makeSink().prepare() }

        #expect(error?.message.contains("the directory isn't empty ('part-00000')") == true)
    }

    /// Every moment of a commit of three parts at which the process may die.
    @Test(arguments: 0...3, [false, true])
    func `an interrupted commit is finished by another one`(renamedCount: Int, replacesOutput: Bool) throws {
        let parts = try self.interruptCommit(renamedCount: renamedCount, replacesOutput: replacesOutput)

        try self.makeSink(replacesOutput: replacesOutput).commit(parts)

        #expect(
            self.directory.names()
                == ["out", "out/_SUCCESS", "out/part-00000", "out/part-00001", "out/part-00002"]
        )
        for partition in 0..<3 {
            #expect(try self.directory.read("out/part-0000\(partition)") == Array("new \(partition)\n".utf8))
        }
    }

    @Test(arguments: 0...3)
    func `an interrupted commit that nobody finishes is removed by the next run`(renamedCount: Int) throws {
        _ = try self.interruptCommit(renamedCount: renamedCount, replacesOutput: false)

        let next = self.makeSink()
        try next.prepare()
        next.abort()

        #expect(self.directory.names().filter { $0 != "out" } == [])
    }

    /// Every rename and removal of a commit that replaces output, and of the cleaning behind it, is the last one once.
    @Test func `wherever a run dies that replaces output, the old one is there again or the new one, whole`() throws {
        let old = [
            "out/part-00000": "old 0", "out/part-00001": "old 1", "out/part-00003": "old 3", "out/_SUCCESS": "{}",
        ]
        var outcomes: Set<String> = []
        for commitSteps in 0..<100 {
            var hasCommitted = false
            for cleaningSteps in 0..<30 {
                try? FileManager.default.removeItem(atPath: self.directory.file("out"))
                for (name, text) in old { try self.directory.write(text, to: name) }
                hasCommitted = try self.commitNew(diesBehind: commitSteps)
                let isCleaned = self.clean(diesBehind: cleaningSteps)
                if !isCleaned { #expect(self.clean(diesBehind: .max)) }

                let files = try self.visible()
                let isOld = files == old
                #expect(isOld || files.filter { !$0.key.hasSuffix("_SUCCESS") } == Self.new, "\(commitSteps), \(files)")
                #expect(isOld || files["out/_SUCCESS"]?.contains(#""parts":3"#) == true)
                #expect(self.directory.names().allSatisfy { !$0.contains("/.") })
                outcomes.insert(isOld ? "old" : "new")
                guard !isCleaned else { break }
            }
            guard !hasCommitted else { break }
        }
        #expect(outcomes == ["old", "new"])
    }

    private static let new = ["out/part-00000": "new 0\n", "out/part-00001": "new 1\n", "out/part-00002": "new 2\n"]

    /// - Returns: Whether it came to its end, and didn't die.
    private func commitNew(diesBehind steps: Int) throws -> Bool {
        let life = Life(steps: steps)
        let sink = self.makeSink(replacesOutput: true, life: life)
        try sink.prepare()
        life.begin()
        let parts = try (0..<3).map { try sink.part($0, "new \($0)\n") }
        return (try? sink.commit(parts)) != nil
    }

    private func clean(diesBehind steps: Int) -> Bool {
        let life = Life(steps: steps)
        life.begin()
        let next = self.makeSink(replacesOutput: true, life: life)
        guard (try? next.prepare()) != nil else { return false }
        next.abort()
        return life.isAlive
    }

    @Test(arguments: 0...2)
    func `part files of an interrupted commit aren't read as if they were all`(renamedCount: Int) throws {
        _ = try self.interruptCommit(renamedCount: renamedCount + 1, replacesOutput: true)
        try self.directory.write("x\n", to: "out/other.txt")

        for pattern in ["out", "out/*", "out/part-*"] {
            let error = #expect(throws: ConnectorError.self) {
                try FileFinder.files(of: [self.directory.file(pattern)], isRecursive: nil)
            }
            #expect(error?.message.contains("some are missing; wait for its end, or run it again") == true)
        }
        let other = try FileFinder.files(of: [self.directory.file("out/other.txt")], isRecursive: nil)
        #expect(other.count == 1)
    }

    @Test func `a run that died right after its success stays successful`() throws {
        _ = try self.interruptCommit(renamedCount: 3, replacesOutput: false)
        try self.directory.write("{}", to: "out/_SUCCESS")

        let error = #expect(throws: ConnectorError.self) { try self.makeSink().prepare() }

        #expect(error?.message.contains("isn't empty") == true)
        #expect(
            self.directory.names()
                == ["out", "out/_SUCCESS", "out/part-00000", "out/part-00001", "out/part-00002"]
        )
    }

    @Test func `a failed commit leaves nothing after the abort`() throws {
        let sink = self.makeSink()
        try sink.prepare()
        let parts = try [sink.part(0, "a\n"), sink.part(1, "b\n")]
        try FileManager.default.removeItem(atPath: self.directory.file("out/\(parts[1].token)"))

        let error = #expect(throws: ConnectorError.self) { try sink.commit(parts) }
        sink.abort()

        #expect(error?.message.contains("can't rename") == true)
        #expect(self.directory.names() == [])
    }

    @Test func `a file that would be too large is an error with the path and the bytes`() async {
        let path = self.directory.file("out")
        await #expect(processExitsWith: .success) { [path = path as String] in
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 100_000, rlim_max: 100_000)
            _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            let sink = PathSink(path: path, options: PathSinkOptions())
            try sink.prepare()
            do {
                _ = try sink.part(0, String(repeating: "x", count: 300_000))
                exit(1)
            } catch let error as ConnectorError {
                let text = error.message
                sink.abort()
                let isGone = unsafe access(path, F_OK) != 0
                exit(text.contains("bytes to '\(path)/.weir-tmp-") && text.contains("(EFBIG)") && isGone ? 0 : 2)
            }
        }
    }

    @Test(.enabled(if: SmallDisk.isPossible, "only root may mount"))
    func `a full disk is an error with the path and the bytes, and leaves nothing`() throws {
        let disk = try SmallDisk(bytes: 1 << 20)
        let path = disk.path + "/out"
        let sink = PathSink(path: path, options: PathSinkOptions())
        try sink.prepare()

        let error = #expect(throws: ConnectorError.self) {
            _ = try sink.part(0, String(repeating: "x", count: 3_000_000))
        }
        sink.abort()

        #expect(error?.message.hasPrefix("can't write 3000000 bytes to '\(path)/.weir-tmp-") == true)
        #expect(error?.message.contains("No space left on device (ENOSPC); free some space") == true)
        #expect(error?.domain == .external)
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == [])
    }

    private func makeSink(replacesOutput: Bool = false, life: Life? = nil) -> PathSink {
        PathSink(path: self.directory.file("out"), options: PathSinkOptions(replacesOutput: replacesOutput)) {
            () throws(ConnectorError) in
            try life?.change()
        }
    }

    /// Files in the output directory that aren't hidden, and what is in them.
    private func visible() throws -> [String: String] {
        var files: [String: String] = [:]
        for name in self.directory.names() where name.hasPrefix("out/") && !name.contains("/.") {
            files[name] = String(decoding: try self.directory.read(name), as: UTF8.self)
        }
        return files
    }

    /// Brings the directory into the state in which a process that dies after some renames leaves it.
    private func interruptCommit(renamedCount: Int, replacesOutput: Bool) throws -> [SinkPart] {
        if replacesOutput { try self.directory.write("old", to: "out/part-00009") }
        let sink = self.makeSink(replacesOutput: replacesOutput)
        try sink.prepare()
        let parts = try (0..<3).map { try sink.part($0, "new \($0)\n") }
        let stage = try #require(parts[0].token.split(separator: "/").first)
        let list = parts.map { "part-0000\($0.partition)\t\($0.token.split(separator: "/")[1])\n" }.joined()
        try self.directory.write(list, to: "out/\(stage)/commit")
        for part in parts.prefix(renamedCount) {
            try FileManager.default.moveItem(
                atPath: self.directory.file("out/\(part.token)"),
                toPath: self.directory.file("out/part-0000\(part.partition)")
            )
        }
        return parts
    }
}

/// A process that dies after so many changes of the file system: nothing changes any more then.
private final class Life: Sendable {
    private let left: Mutex<Int?>
    private let steps: Int

    init(steps: Int) {
        self.steps = steps
        self.left = Mutex(nil)
    }

    var isAlive: Bool { self.left.withLock { $0 != 0 } }

    /// From here on changes are counted.
    func begin() { self.left.withLock { $0 = self.steps } }

    func change() throws(ConnectorError) {
        let isAlive = self.left.withLock { left in
            guard let count = left else { return true }
            if count > 0 { left = count - 1 }
            return count > 0
        }
        if !isAlive { throw ConnectorError(.internal, retry: .never, "the process is dead") }
    }
}

/// A file system in memory that is full soon.
final class SmallDisk {
    static var isPossible: Bool { geteuid() == 0 }

    let path: String

    init(bytes: Int) throws {
        self.path = FileManager.default.temporaryDirectory.path + "/weir-disk-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
        let options = "size=\(bytes)"
        let result = unsafe options.withCString { unsafe mount("tmpfs", self.path, "tmpfs", 0, $0) }
        try #require(result == 0, "errno \(errno)")
    }

    deinit {
        unsafe umount2(self.path, Int32(MNT_DETACH))
        // An empty directory among temporary files is all that could stay.
        try? FileManager.default.removeItem(atPath: self.path)
    }
}
