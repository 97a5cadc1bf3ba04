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

    private func makeSink(replacesOutput: Bool = false) -> PathSink {
        PathSink(path: self.directory.file("out"), options: PathSinkOptions(replacesOutput: replacesOutput))
    }

    /// Brings the directory into the state in which a process that dies after some renames leaves it.
    private func interruptCommit(renamedCount: Int, replacesOutput: Bool) throws -> [SinkPart] {
        if replacesOutput { try self.directory.write("old", to: "out/part-00009") }
        let sink = self.makeSink(replacesOutput: replacesOutput)
        try sink.prepare()
        let parts = try (0..<3).map { try sink.part($0, "new \($0)\n") }
        let stage = try #require(parts[0].token.split(separator: "/").first)
        try self.directory.write("part-00000\npart-00001\npart-00002\n", to: "out/\(stage)/commit")
        for part in parts.prefix(renamedCount) {
            try FileManager.default.moveItem(
                atPath: self.directory.file("out/\(part.token)"),
                toPath: self.directory.file("out/part-0000\(part.partition)")
            )
        }
        return parts
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
