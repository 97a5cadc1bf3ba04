import CoreTypes
import Testing

/// Streams whose pairs and records are made without the machine: they write what it would.
@Suite struct StreamKernelTests {
    private let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
    }

    /// JSON values of every kind, among them keys too long for a slot, text that needs escapes, and what isn't there.
    private static let values = [
        #""a""#, #""quote \" backslash \\ tab \t""#, #""\u0001\u001f/ü€😀""#, #""fifteen bytes..""#,
        #""a key that is longer than the fifteen bytes of a slot, with \"quotes\" behind""#, #""""#, "null", "true",
        "7",
        "7.0", "-0.5", "9007199254740993", "[1,[2,\"x\"]]", #"{"n":{"m":null}}"#, "1e300",
    ]
    private static let numbers = ["1", "-3", "0", "2.5", "null", "9223372036854775807", "-9223372036854775808"]

    private func writeEvents(seed: UInt64, count: Int) throws {
        var random = SplitMix64(seed: seed)
        var text = ""
        for index in 0..<count {
            let time = index * 50 + random.next(in: 0..<40)
            var fields = [#""ts":\#(time)"#]
            if random.next(in: 0..<10) > 0 {
                fields.append(#""g":\#(Self.values[random.next(in: 0..<Self.values.count)])"#)
            }
            if random.next(in: 0..<10) > 0 { fields.append(#""h":\#(Self.values[random.next(in: 0..<4)])"#) }
            if random.next(in: 0..<5) > 0 {
                fields.append(#""n":\#(Self.numbers[random.next(in: 0..<Self.numbers.count)])"#)
            }
            if random.next(in: 0..<2) > 0 { fields.append(#""unread":[\#(index),"}"]"#) }
            text += "{" + fields.joined(separator: ",") + "}\n"
        }
        try self.folder.write(text, to: "in/events.jsonl")
    }

    private func writeJob(window: String, group: String, aggregates: String) throws {
        let program = """
            (define-stream-processor shop
              :source (distributed-files "in/*.jsonl")
              :sink (distributed-path "out" :overwrite true)
              :time (lambda (e) (get e :ts))
              :watermark (bounded-out-of-orderness 100)
              :on-error 'skip
              (window \(window) (group-by \(group) (aggregate \(aggregates)))))
            """
        try self.folder.write(program, to: "job.fl")
    }

    private static let windows = ["(tumbling-window 3000)", "(sliding-window 6000 2000)", "(session-window 60)"]
    private static let groups = [
        ":g", "[:g :h]", "(lambda (e) (get e :h))", "[:h (lambda (e) (str \"<\" (get e :n) \">\"))]",
    ]
    private static let aggregates = [
        ":events (count)",
        #":events (count) :total (sum :n) :largest (max :n) :distinct (count-distinct :h)"#,
        #":first-one (first :h) :last-one (last :g) :all (collect :n) :mean (mean :n)"#,
    ]

    @Test(arguments: Self.windows, Self.groups)
    func `what is emitted and written is the machine's, whatever the values are`(
        window: String,
        group: String
    ) throws {
        let seed = UInt64(window.utf8.count * 100 + group.utf8.count)
        try self.writeEvents(seed: seed, count: 1_500)
        for aggregates in Self.aggregates {
            try self.writeJob(window: window, group: group, aggregates: aggregates)
            let fast = try self.folder.run("--parallelism", "2")
            let lines = try self.folder.lines().sorted()
            let plain = try self.folder.run("--parallelism", "2", "--no-kernels")

            #expect(fast.code == 0, "\(fast.notes)")
            #expect(plain.code == 0, "\(plain.notes)")
            #expect(lines.count > 50, "seed \(seed), \(aggregates)")
            #expect(try self.folder.lines().sorted() == lines, "seed \(seed), \(aggregates)")
        }
    }
}
