import Foundation
import Testing

/// Streams of several sources.
@Suite struct UnionRunTests {
    private let folder: TemporaryFolder
    private let first = ShopEvents(count: 6_000, seed: 11)
    private let second = ShopEvents(count: 4_000, seed: 12)

    init() throws {
        self.folder = try TemporaryFolder()
        // Checkpoints lie between blocks, and a file is at least one.
        for part in 0..<30 {
            let share = ShopEvents(Array(self.first.events[part * 200..<(part + 1) * 200]))
            try self.folder.write(share.lines, to: "in/first-\(part + 10).jsonl")
        }
        try self.folder.write(self.second.lines, to: "more/second.jsonl")
    }

    private var both: ShopEvents { ShopEvents(self.first.events + self.second.events) }

    private static let files = "(distributed-files \"in/*\")"
    private static let moreFiles = "(distributed-files \"more/*\")"

    private static func program(_ source: String, window: String, steps: String = "") -> String {
        ShopEvents.program(window: window, steps: steps).replacing(Self.files, with: source)
    }

    @Test(arguments: ["1", "3"])
    func `the windows of a union are those of all its records`(parallelism: String) throws {
        let source = "(union \(Self.files) :more \(Self.moreFiles))"
        try self.folder.write(Self.program(source, window: "(tumbling-window 60000)"), to: "job.fl")

        let outcome = try self.folder.run("--parallelism", parallelism)

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines().sorted() == self.both.results(size: 60_000, slide: 60_000))
    }

    @Test func `a record tells the name of its source, also to the time`() throws {
        let source = "(union \(Self.files) :more (union :late \(Self.moreFiles)))"
        let text = """
            (define-stream-processor shop
              :source \(source) :sink (distributed-path "out")
              :time (lambda (e) (if (= (source-name) "more:late") (get e :ts) (get e :ts)))
              :watermark (bounded-out-of-orderness \(ShopEvents.bound))
              (map (lambda (e) (str (source-name) " " (get e :user))))
              (key-by (lambda (text) text))
              (map (lambda (text) (str text (source-name)))))
            """
        try self.folder.write(text, to: "job.fl")

        let outcome = try self.folder.run("--parallelism", "2")

        #expect(outcome.code == 0, "\(outcome.notes)")
        let named = self.first.events.map { " \($0.user)" } + self.second.events.map { "more:late \($0.user)" }
        #expect(try self.folder.lines().sorted() == named.sorted())
    }

    @Test func `a source that is added to a stream leaves the positions of the others`() throws {
        let window = "(tumbling-window 300000000000)"
        let spin = "(define spin (lambda (n) (if (= n 0) true (spin (- n 1)))))\n"
        let slow = spin + Self.program(Self.files, window: window, steps: "(filter (lambda (e) (spin 5_000)))")
        try self.folder.write(slow, to: "job.fl")
        let often = ["--state", "state", "--checkpoint-interval", "20ms", "--parallelism", "2"]
        let process = try WeirProcess(["run", "job.fl"] + often, in: self.folder)
        try process.wait(until: "a checkpoint is complete") {
            (self.folder.names(in: "state/shop") ?? []).contains { $0.hasSuffix("/manifest") }
        }
        process.send(SIGTERM)
        #expect(try process.wait().code == 0)
        let source = "(union \(Self.files) :more \(Self.moreFiles))"
        try self.folder.write(Self.program(source, window: window), to: "job.fl")

        let outcome = try self.folder.run("--state", "state", "--resume", "--parallelism", "3")

        #expect(outcome.code == 0, "\(outcome.notes)")
        let results = self.both.results(size: 300_000_000_000, slide: 300_000_000_000)
        #expect(try self.folder.lines().sorted() == results)
    }

    @Test func `a source that is read twice is refused unless one of them has a name`() throws {
        let source = "(union \(Self.files) \(Self.files))"
        try self.folder.write(Self.program(source, window: "(tumbling-window 60000)"), to: "job.fl")

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["first-10.jsonl@0", "(union SOURCE :second SOURCE)"])
    }
}
