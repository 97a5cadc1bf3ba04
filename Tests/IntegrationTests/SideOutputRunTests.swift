import Foundation
import Testing

/// Streams that write to side outputs and look up in tables.
@Suite struct SideOutputRunTests {
    private let folder: TemporaryFolder
    private let events = ShopEvents(count: 3_000, seed: 21)

    init() throws {
        self.folder = try TemporaryFolder()
        try self.folder.write(self.events.lines, to: "in/events.jsonl")
    }

    private func lines(in directory: String) throws -> [String] {
        try (self.folder.names(in: directory) ?? []).filter { $0.hasPrefix("part-") }
            .flatMap { name in
                try String(contentsOfFile: self.folder.file("\(directory)/\(name)"), encoding: .utf8)
                    .split(separator: "\n").map(String.init)
            }
            .sorted()
    }

    @Test func `a side output has the records for which its function holds, as they are there`() throws {
        let steps = """
            (side :all (distributed-path "all"))
            (map (lambda (e) (assoc e :double (* 2 (get e :spent)))))
            (side :much (distributed-path "much") (lambda (e) (> (get e :double) 500)))
            """
        try self.folder.write(ShopEvents.program(steps: steps), to: "job.fl")

        let outcome = try self.folder.run("--parallelism", "2")

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines().sorted() == self.events.results(size: 300_000, slide: 60_000))
        #expect(try self.lines(in: "all") == self.events.lines.split(separator: "\n").map(String.init).sorted())
        let much = self.events.events.filter { 2 * $0.spent > 500 }.map { ShopEvents([$0]).lines.dropLast(2) }
        let spent = self.events.events.filter { 2 * $0.spent > 500 }.map { ",\"double\":\(2 * $0.spent)}" }
        #expect(try self.lines(in: "much") == zip(much, spent).map { "\($0)\($1)" }.sorted())
    }

    @Test func `a record that is skipped takes back what it wrote`() throws {
        let steps = """
            (side :all (distributed-path "all"))
            (filter (lambda (e) (if (< (get e :spent) 100) (throw "cheap") true)))
            """
        try self.folder.write(ShopEvents.program(steps: steps, options: ":on-error 'skip"), to: "job.fl")

        let outcome = try self.folder.run()

        #expect(outcome.code == 0, "\(outcome.notes)")
        let kept = ShopEvents(self.events.events.filter { $0.spent >= 100 })
        #expect(try self.lines(in: "all") == kept.lines.split(separator: "\n").map(String.init).sorted())
    }

    private func writeJob(_ map: String, before: String = "") throws {
        let text = """
            \(before)
            (define-streaming-job shop
              :input (distributed-files "in/*") :output (distributed-path "out") :time :ts
              :watermark (bounded-out-of-orderness \(ShopEvents.bound))
              :sides {:odd (distributed-path "odd" :format 'text)}
              :window (global-window)
              :map (lambda (e) \(map))
              :reduce (lambda (key values) (emit key (sum values))))
            """
        try self.folder.write(text, to: "job.fl")
    }

    @Test func `a streaming job names its side outputs and writes to them`() throws {
        try self.writeJob("(if (= (get e :user) \"u7\") (emit-to :odd (get e :page)) (emit \"all\" 1))")

        let outcome = try self.folder.run()

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.lines(in: "odd") == self.events.events.filter { $0.user == "u7" }.map(\.page).sorted())
        #expect(try self.folder.lines() == ["all\t\(self.events.events.count { $0.user != "u7" })"])
    }

    @Test func `a side output that isn't there is an error with those that are`() throws {
        try self.writeJob("(emit-to :even e)")

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["no side output is called :even", "there are :odd"])
    }

    @Test func `a table that can't be made stops the stream with the place in it`() throws {
        try self.folder.write("{\"user\":\"u1\"}\n{\"name\":\"u2\"}\n", to: "users.json")
        let table = "(define users (table (distributed-files \"users.json\") :key :user))"
        try self.writeJob("(emit (get (lookup users (get e :user)) :user) 1)", before: table)

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["users.json at offset 14", "has no field user"])
    }

    @Test func `tables are looked up in and behind keyed stages too`() throws {
        let users = Set(self.events.events.map(\.user)).sorted()
        let rows = users.enumerated().map { "{\"user\":\"\($1)\",\"age\":\($0)}\n" }
        try self.folder.write(rows.joined(), to: "users.json")
        let text = """
            (define users (table (distributed-files "users.json") :key :user))
            (define (age user) (get (lookup users user) :age))
            (define-stream-processor shop
              :source (distributed-files "in/*") :sink (distributed-path "out" :format 'json) :time :ts
              (deduplicate :user :within "10000 d")
              (enrich users :on :user)
              (process :user (on-event (lambda (e) (emit {:user key :joined (get e :age) :found (age key)}))))
              (map (lambda (r) (assoc r :behind (age (get r :user))))))
            """
        try self.folder.write(text, to: "job.fl")

        let outcome = try self.folder.run("--parallelism", "2")

        #expect(outcome.code == 0, "\(outcome.notes)")
        let expected = users.enumerated().map {
            "{\"user\":\"\($1)\",\"joined\":\($0),\"found\":\($0),\"behind\":\($0)}"
        }
        #expect(try self.folder.lines().sorted() == expected.sorted())
    }
}
