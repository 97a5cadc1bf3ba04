import Foundation
import Testing

/// Streams that join two sources.
@Suite struct JoinRunTests {
    private let folder: TemporaryFolder
    private let left = ShopEvents(count: 4_000, seed: 31)
    private let right = ShopEvents(count: 2_500, seed: 32)
    private static let from: Int64 = -20_000
    private static let to: Int64 = 60_000

    init() throws {
        self.folder = try TemporaryFolder()
        for part in 0..<20 {
            let share = ShopEvents(Array(self.left.events[part * 200..<(part + 1) * 200]))
            try self.folder.write(share.lines, to: "left/events-\(part + 10).jsonl")
        }
        try self.folder.write(self.right.lines, to: "right/events.jsonl")
    }

    private static let join = """
        (join (:left :user) (:right :user) :from "-20 s" :to "1 min"
          (lambda (l r)
            (when (not= (mod (+ (get l :spent) (get r :spent)) 7) 0)
              {:user (get l :user) :left (get l :ts) :right (get r :ts)})))
        """

    private static func program(_ clauses: String = Self.join, options: String = "") -> String {
        """
        (define-stream-processor shop
          :source (union :left (distributed-files "left/*") :right (distributed-files "right/*"))
          :sink (distributed-path "out" :format 'json)
          :time :ts
          :watermark (bounded-out-of-orderness \(ShopEvents.bound))
          \(options)
          \(clauses))
        """
    }

    /// The lines of ``program(_:options:)``, sorted: every left event with every right one.
    private func pairs(where isWanted: (ShopEvents.Event, ShopEvents.Event) -> Bool = { _, _ in true }) -> [String] {
        self.left.events.flatMap { l in
            self.right.events.filter { r in
                l.user == r.user && (Self.from...Self.to).contains(r.time - l.time)
                    && (l.spent + r.spent) % 7 != 0 && isWanted(l, r)
            }
            .map { r in #"{"user":"\#(l.user)","left":\#(l.time),"right":\#(r.time)}"# }
        }
        .sorted()
    }

    @Test(arguments: ["1", "3"])
    func `every pair of events in the interval is written once`(parallelism: String) throws {
        try self.folder.write(Self.program(), to: "job.fl")

        let outcome = try self.folder.run("--parallelism", parallelism)

        #expect(outcome.code == 0, "\(outcome.notes)")
        let pairs = self.pairs()
        #expect(pairs.count > 1_000)
        #expect(try self.folder.lines().sorted() == pairs)
    }

    @Test func `windows behind a join see each pair at the later of its times`() throws {
        let clauses = """
            \(Self.join)
            (window (tumbling-window 60000) (group-by :user (aggregate :pairs (count))))
            """
        try self.folder.write(Self.program(clauses), to: "job.fl")

        let outcome = try self.folder.run("--parallelism", "2")

        #expect(outcome.code == 0, "\(outcome.notes)")
        var counts: [String: Int] = [:]
        for l in self.left.events {
            for r in self.right.events where l.user == r.user && (Self.from...Self.to).contains(r.time - l.time) {
                guard (l.spent + r.spent) % 7 != 0 else { continue }
                counts["\(l.user) \(max(l.time, r.time) / 60_000 * 60_000)", default: 0] += 1
            }
        }
        let lines = counts.map { key, count in
            let parts = key.split(separator: " ")
            let start = Int64(parts[1]) ?? 0
            return #"{"user":"\#(parts[0])","pairs":\#(count),"window-start":\#(start),"#
                + #""window-end":\#(start + 60_000)}"#
        }
        #expect(try self.folder.lines().sorted() == lines.sorted())
    }

    /// Runs a program that takes its time until it has a checkpoint, and stops it.
    private func stop(_ program: String) throws {
        let spin = "(define spin (lambda (n) (if (= n 0) true (spin (- n 1)))))\n"
        let slow = program.replacing("(join", with: "(filter (lambda (e) (spin 3_000))) (join")
        try self.folder.write(spin + slow, to: "job.fl")
        let often = ["--state", "state", "--checkpoint-interval", "20ms", "--parallelism", "2"]
        let process = try WeirProcess(["run", "job.fl"] + often, in: self.folder)
        try process.wait(until: "a checkpoint is complete") {
            (self.folder.names(in: "state/shop") ?? []).contains { $0.hasSuffix("/manifest") }
        }
        process.send(SIGTERM)
        #expect(try process.wait().code == 0)
    }

    @Test func `a stream that is stopped goes on at another parallelism, with another function`() throws {
        try self.stop(Self.program())
        // A comment is no change, and neither is another name for a parameter.
        try self.folder.write(Self.program().replacing("(l r)", with: "(l r) ; a pair\n"), to: "job.fl")

        let outcome = try self.folder.run("--state", "state", "--resume", "--parallelism", "3")

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines().sorted() == self.pairs())
    }

    @Test func `another key or interval is refused with both`() throws {
        try self.stop(Self.program())

        for (old, new) in [("(:right :user)", "(:right :page)"), ("\"1 min\"", "\"2 min\"")] {
            try self.folder.write(Self.program().replacing(old, with: new), to: "job.fl")
            let outcome = try self.folder.run("--state", "state", "--resume")

            #expect(outcome.code == 1)
            let shape = ":left by :user with :right by :user, -20 s to 1 min later"
            expect(outcome.notes, contains: ["join(left right)", shape, "--allow-drop"])
        }
    }

    @Test func `a pair that can't be made is left out where errors are passed over`() throws {
        let join = Self.join.replacing("{:user", with: "(when (= (get l :page) \"/p/3\") (throw \"three\")) {:user")
        try self.folder.write(Self.program(join, options: ":on-error 'skip"), to: "job.fl")

        let outcome = try self.folder.run("--parallelism", "2")

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines().sorted() == self.pairs { l, _ in l.page != "/p/3" })
    }

    @Test func `a pair that can't be made stops the stream with its key`() throws {
        let join = Self.join.replacing("{:user", with: "(throw \"three\") {:user")
        try self.folder.write(Self.program(join), to: "job.fl")

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["three", "u"])
    }
}
