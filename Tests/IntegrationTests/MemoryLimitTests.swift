import Foundation
import Testing

/// Jobs whose keys or values don't fit in the memory they may use.
@Suite struct MemoryLimitTests {
    private static let limit = 16 << 20

    /// What design and tests promise: a quarter more than the limit, and 64 MiB for the program itself.
    private static let anonymousLimit = limit + limit / 4 + (64 << 20)

    private let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
    }

    @Test func `sums of 200,000 keys are exact`() throws {
        try self.writeKeys()
        try self.folder.writeJob(map: Self.map)

        let report = try self.run()

        let expected = (0..<200_000).map { key in
            Self.line(key, key < 50_000 ? "\(key + key + 200_000)" : "\(key)")
        }
        #expect(report.jobs[0].spilledBytes > 0)
        #expect(report.jobs[0].reducedKeys == 200_000)
        #expect(try self.folder.lines() == expected.sorted())
        #expect(report.peakAnonymousBytes < Self.anonymousLimit)
    }

    @Test func `all values of 200,000 keys reach a reduce that doesn't aggregate`() throws {
        try self.writeKeys()
        try self.folder.writeJob(map: Self.map, reduce: #"(emit key (join "," (sort values)))"#, sink: ":sorted true")

        let report = try self.run()

        let expected = (0..<200_000).map { key in
            Self.line(key, key < 50_000 ? "\(key),\(key + 200_000)" : "\(key)")
        }
        let parts = try self.folder.parts()
        #expect(report.jobs[0].spilledBytes > 0)
        #expect(parts.flatMap { $0 }.sorted() == expected.sorted())
        for part in parts { #expect(part == part.sorted()) }
        #expect(report.peakAnonymousBytes < Self.anonymousLimit)
    }

    @Test func `the values of one giant key stream through the reduce`() throws {
        let padding = String(repeating: "x", count: 994)
        let block = Data((0..<1_000).map { "\(100_000 + $0)\(padding)\n" }.joined().utf8)
        let file = try self.folder.open("in/text")
        for _ in 0..<48 { try file.write(contentsOf: block) }
        try self.folder.writeJob(
            map: #"(emit "all" line)"#,
            reduce: "(emit key (reduce (lambda (total value) (+ total (count value))) 0 values))"
        )

        let report = try self.run()

        #expect(try self.folder.lines() == ["all\t48000000"])
        #expect(report.jobs[0].spilledBytes > 0)
        #expect(report.peakAnonymousBytes < Self.anonymousLimit)
    }

    @Test func `a line as long as the limit, as key and as value, stays within the rule`() throws {
        let line = String(repeating: "0123456789abcdef", count: (16 << 20) / 16 - 1)
        try self.folder.write(line + "\n", to: "in/text")
        try self.folder.writeJob(map: "(emit line line)", reduce: "(for (value values) (emit key value))")

        let report = try self.run()

        #expect(try self.folder.lines() == ["\(line)\t\(line)"])
        #expect(report.jobs[0].spilledBytes > 0)
        #expect(report.peakAnonymousBytes < Self.anonymousLimit)
    }

    @Test func `distinct values of one giant key are counted though they don't fit`() throws {
        let padding = String(repeating: "d", count: 50)
        let file = try self.folder.open("in/text")
        for round in 0..<40 {
            // Every value twice: 200,000 different ones.
            let first = round % 20 * 10_000
            let block = (first..<(first + 10_000)).map { "\(padding)\($0)\n" }.joined()
            try file.write(contentsOf: Data(block.utf8))
        }
        try self.folder.writeJob(map: #"(emit "all" line)"#, reduce: "(emit key (count-distinct values))")

        let report = try self.run()

        #expect(try self.folder.lines() == ["all\t200000"])
        #expect(report.peakAnonymousBytes < Self.anonymousLimit)
    }

    @Test func `values of one giant key that are gathered are refused with the key and the limit`() throws {
        let block = Data((0..<10_000).map { "\(100_000 + $0)\(String(repeating: "s", count: 90))\n" }.joined().utf8)
        let file = try self.folder.open("in/text")
        for _ in 0..<60 { try file.write(contentsOf: block) }
        try self.folder.writeJob(map: #"(emit "all" line)"#, reduce: "(emit key (first (sort values)))")

        let outcome = try self.folder.run("--memory", "16MiB", "--json")

        #expect(outcome.code == 1)
        expect(
            outcome.notes,
            contains: ["error[memory-limit]", "one key needed more than 41943040 bytes", "key all", "--record-memory"]
        )
        #expect(try outcome.report().peakAnonymousBytes < Self.anonymousLimit)
        #expect(self.folder.isWithoutOutput)
    }

    @Test func `a record that emits more than memory holds is refused`() throws {
        try self.folder.write("a\n", to: "in/text")
        let text = String(repeating: "e", count: 100)
        try self.folder.writeJob(
            map: #"(for (i (range 1_000_000)) (emit (str "\#(text)" i) "\#(text)"))"#,
            reduce: "(for (value values) (emit key value))"
        )

        let outcome = try self.folder.run("--memory", "16MiB", "--json")

        #expect(outcome.code == 1)
        expect(outcome.notes, contains: ["error[memory-limit]", "in/text", "--record-memory raises the limit"])
        #expect(try outcome.report().peakAnonymousBytes < Self.anonymousLimit)
        #expect(self.folder.isWithoutOutput)
    }

    @Test func `lines as long as the limit that are skipped stay within the rule`() throws {
        let line = Data((String(repeating: "0123456789abcdef", count: (16 << 20) / 16 - 1) + "\n").utf8)
        let file = try self.folder.open("in/text")
        for _ in 0..<6 { try file.write(contentsOf: line) }
        try self.folder.writeJob(map: "(emit line (/ (count line) 0))", options: ":on-error 'skip")

        let report = try self.run()

        #expect(report.jobs[0].rejectedRecords == 6)
        #expect(report.peakAnonymousBytes < Self.anonymousLimit)
    }

    private func run() throws -> RunSummary {
        let outcome = try self.folder.run("--memory", "16MiB", "--json")
        #expect(outcome.code == 0, "\(outcome.notes)")
        return try outcome.report()
    }

    // MARK: Keys

    private static let padding = String(repeating: "k", count: 60)
    private static let map = #"(let ((fields (split line " "))) (emit (nth fields 0) (parse-int (nth fields 1))))"#

    /// 200,000 keys of about 70 bytes, a quarter of them twice: more than the limit.
    private func writeKeys() throws {
        var text = ""
        for number in 0..<250_000 {
            text += "\(Self.padding)\(number % 200_000) \(number)\n"
        }
        try self.folder.write(text, to: "in/text")
    }

    private static func line(_ key: Int, _ value: String) -> String {
        "\(self.padding)\(key)\t\(value)"
    }
}
