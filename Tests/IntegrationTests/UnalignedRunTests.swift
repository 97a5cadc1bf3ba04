import Foundation
import Testing

/// Streams whose checkpoints don't wait for what is on its way between stages.
@Suite struct UnalignedRunTests {
    private let folder: TemporaryFolder
    private let events = ShopEvents(count: 10_000, seed: 13)

    /// Numbers a user's events, so slowly that much is always on its way.
    private static func steps(spin: Int) -> String {
        """
        (process :user
          (on-event (lambda (e)
            (let ((n (inc (or state 0))))
              (set-state n)
              (spin \(spin))
              (emit (assoc e :spent n))))))
        """
    }

    private static let spin = "(define spin (lambda (n) (if (= n 0) true (spin (- n 1)))))\n"
    private static let options = ["--state", "state", "--checkpoint-interval", "20ms", "--unaligned-after", "1ms"]

    init() throws {
        self.folder = try TemporaryFolder()
        // What can't be read is in the middle and at the end.
        let lines = self.events.lines.split(separator: "\n")
        let parts = [
            Array(lines.prefix(5_000)), ["broken 1", "broken 2"], Array(lines.dropFirst(5_000)), ["broken 3"],
        ]
        try self.folder.write(parts.joined().map { $0 + "\n" }.joined(), to: "in/events.jsonl")
    }

    private func write(spin: Int) throws {
        let options = #":on-error (dead-letter (distributed-path "rejected"))"#
        let program = ShopEvents.program(steps: Self.steps(spin: spin), options: options)
        try self.folder.write(Self.spin + program, to: "job.fl")
    }

    /// The manifests of checkpoints that hold what they overtook.
    private var unaligned: Set<String> {
        let names = (self.folder.names(in: "state/shop") ?? []).filter { $0.hasSuffix("/manifest") }
        return Set(
            names.filter { name in
                guard let bytes = try? self.folder.read("state/shop/\(name)") else { return false }
                return String(decoding: bytes, as: UTF8.self).contains("piece channels/")
            }
        )
    }

    private func killBehindUnaligned(_ options: String...) throws {
        let process = try WeirProcess(["run", "job.fl"] + Self.options + options, in: self.folder)
        let known = self.unaligned
        try process.wait(until: "a checkpoint has overtaken something") {
            !self.unaligned.subtracting(known).isEmpty
        }
        process.send(SIGKILL)
        _ = try process.wait()
    }

    @Test(arguments: [("1", 2_000), ("3", 8_000)])
    func `what a checkpoint overtook is neither lost nor doubled when the process is killed`(
        parallelism: String,
        spin: Int
    ) throws {
        try self.write(spin: spin)
        for round in 0..<3 {
            try self.killBehindUnaligned("--parallelism", parallelism, round == 0 ? "--quiet" : "--resume")
        }
        try self.write(spin: 1)

        let outcome = try self.folder.run("--state", "state", "--resume", "--parallelism", parallelism)

        #expect(outcome.code == 0, "\(outcome.notes)")
        let expected = self.events.numbered.results(size: 300_000, slide: 60_000)
        #expect(try self.folder.lines().sorted() == expected)
        let rejected = try self.folder.lines(of: "rejected")
        for number in 1...3 {
            #expect(rejected.count { $0.contains(#""record":"broken \#(number)""#) } == 1, "\(rejected)")
        }
    }

    /// Behind the restart what is left is read by whoever has nothing left; its channel had come to the end of time.
    @Test func `nothing is late because somebody else had read a part to its end`() throws {
        let program = """
            \(Self.spin)
            (define-stream-processor counts
              :source (distributed-files "parts/*")
              :sink (distributed-path "out" :format 'json)
              :late (distributed-path "late" :format 'json)
              :time :ts
              (process :k (on-event (lambda (e) (do (spin SPIN) (emit e)))))
              (window (tumbling-window "1 s") (group-by :k (aggregate :n (count)))))
            """
        for part in 0..<3 {
            let lines = (0..<2_000).map { #"{"ts":\#(($0 * 3 + part) * 10),"k":"k\#($0 % 7)"}"# + "\n" }
            try self.folder.write(lines.joined(), to: "parts/\(part).jsonl")
        }
        try self.folder.write(program.replacingOccurrences(of: "SPIN", with: "8000"), to: "job.fl")
        let process = try WeirProcess(["run", "job.fl", "--parallelism", "2"] + Self.options, in: self.folder)
        try process.wait(until: "there is a checkpoint") {
            (self.folder.names(in: "state/counts") ?? []).contains { $0.hasSuffix("/manifest") }
        }
        process.send(SIGKILL)
        _ = try process.wait()
        try self.folder.write(program.replacingOccurrences(of: "SPIN", with: "1"), to: "job.fl")

        let outcome = try self.folder.run("--state", "state", "--resume", "--parallelism", "2")

        #expect(outcome.code == 0, "\(outcome.notes)")
        let counts = try self.folder.lines().compactMap { line in
            line.split(separator: ",").first { $0.hasPrefix(#""n":"#) }.flatMap { Int($0.dropFirst(4)) }
        }
        #expect(counts.reduce(0, +) == 6_000)
        #expect(try self.folder.lines(of: "late").isEmpty)
    }

    @Test func `it restores at its own parallelism, and says so`() throws {
        try self.write(spin: 2_000)
        try self.killBehindUnaligned("--parallelism", "2", "--retained-checkpoints", "1")

        let outcome = try self.folder.run("--state", "state", "--resume", "--parallelism", "3")

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["restores at its own parallelism, 2", "--parallelism 2", "savepoint"])
    }
}
