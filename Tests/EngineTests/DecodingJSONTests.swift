import CoreTypes
import EngineTestKit
import Testing

@testable import Engine

@Suite struct DecodingJSONTests {
    @Test func `fields are taken out of a record`() throws {
        let found = try JSONProbe(["user", "ms", "none"]).fields(of: #"{"user":"ada","tags":[1,{"a":2}],"ms":42}"#)

        #expect(found == [.text("ada"), .integer(42), .absent])
    }

    @Test(arguments: [
        (#"{"a":"x\n\u0041\ud83d\ude00\ud800"}"#, Found.text("x\nA😀\u{FFFD}")),
        (#" { "a" : -0 } "#, .integer(0)),
        (#"{"a":-0.0}"#, .float("-0.0")),
        (#"{"a":9223372036854775807}"#, .integer(.max)),
        (#"{"a":9223372036854775808}"#, .float("9.223372036854776e+18")),
        (#"{"a":1.5e3}"#, .float("1500.0")),
        (#"{"a":1e-400}"#, .float("0.0")),
        (#"{"a":1.7e308}"#, .float("1.7e+308")),
        (#"{"a":0e999}"#, .float("0.0")),
        (#"{"a":1\#(String(repeating: "0", count: 300))}"#, .float("1e+300")),
        (#"{"a":0.\#(String(repeating: "0", count: 300))1e305}"#, .float("10000.0")),
        (#"{"a":null}"#, .nothing),
        (#"{"a":true}"#, .boolean(true)),
        (#"{"a":1,"\u0061":2}"#, .integer(2)),
        (#"{"a":1,"a":3}"#, .integer(3)),
        ("{}", .absent),
        (" { } ", .absent),
    ])
    func `a value is what the reader makes of it`(record: String, expected: Found) throws {
        let found = try JSONProbe(["a"]).fields(of: record)

        #expect(found == [expected])
    }

    @Test func `a field that is asked for twice is given twice`() throws {
        let found = try JSONProbe(["a", "b", "a"]).fields(of: #"{"a":1,"b":2}"#)

        #expect(found == [.integer(1), .integer(2), .integer(1)])
    }

    @Test func `a value that is no object is handed over whole`() throws {
        let found = try JSONProbe(["a"]).fields(of: "[1]")

        #expect(found == nil)
    }

    @Test(arguments: [
        "", "{", #"{"a""#, #"{"a":"#, #"{"a":1"#, #"{"a":1,}"#, #"{"a":01}"#, #"{"a":1.}"#, #"{"a":+1}"#, #"{"a":1}}"#,
        #"{"a":1} x"#, "{\"a\":\"\n\"}", #"{"a":"\x"}"#, #"{"a":"\u12g4"}"#, #"{"a":tru}"#, #"{"b":[1,]}"#, #"{,}"#,
        #"{"b":{"c"}}"#, #"{a:1}"#, #"{"b":-}"#, #"{"b":1e}"#, #"{"b":"\"}"#, #"{"a":1e400}"#, #"{"a":-1.5E+309}"#,
        #"{"b":1e400,"a":1}"#, #"{"b":[{"c":2.0e308}]}"#, #"{"a":1e99999999999999999999}"#,
        #"{"a":1\#(String(repeating: "0", count: 309))}"#, #"{"b":2\#(String(repeating: "0", count: 220))e99}"#,
        #"{"b":1\#(String(repeating: "0", count: 309)).5}"#,
    ])
    func `what is no JSON is refused with the reader's words`(record: String) throws {
        var arena = Arena(limitBytes: 1 << 20)
        let text = StableBytes(Array(record.utf8))
        let expected = #expect(throws: JSONError.self) { try JSONReader.read(text.bytes, in: &arena) }

        let actual = #expect(throws: JSONError.self) { try JSONProbe(["a"]).fields(of: record) }

        #expect(actual == expected)
    }

    @Test func `nesting is limited as it is for the reader`() throws {
        for depth in 126...132 {
            let array = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            for record in [#"{"a":\#(array)}"#, #"{"b":\#(array)}"#, #"{"b":\#(array.replacing("[]", with: "[1]"))}"#] {
                JSONDifference(fields: ["a"]).check(Array(record.utf8), "depth \(depth)")
            }
        }
    }

    @Test(arguments: [#"{"a":"x","user":1}"#, #"{"a": "x", "user": 1}"#])
    func `a record that looks like the last one is still read as what it is`(last: String) {
        let values = [
            "1", "-1", "01", "1.", "1.5", "-", "", "1e2", "12345678901234567890", "0.12345678901234567", "true", "tru",
            #""""#, #""y""#, #"","#, #"",""#, #"",{""#, #"", ""#, #"",""#, #""y"z""#, #""y" "#, #"[1,2]"#, #"["y"]"#,
            #"{"a":"y"}"#, #"{"a":"y","user":2}"#, #""y","a":"z""#, #""\u0041""#, #""\"#, "\"\t\"", #""y""z""#, "1}",
        ]
        let difference = JSONDifference(fields: ["user", "a"])

        for first in values {
            for second in values {
                for end in ["}", "} ", "}x", "", "}\r", ",}"] {
                    difference.check(Array(last.utf8), "the last record")
                    let record = last.replacing(#""x""#, with: first).replacing(": 1}", with: ": \(second)\(end)")
                        .replacing(":1}", with: ":\(second)\(end)")
                    difference.check(Array(record.utf8), "behind \(last)")
                }
            }
        }
    }

    @Test(arguments: Seeds.first(2))
    func `a line is as long as up to its newline, and plain without backslashes and control characters`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var extractor = JSONFieldExtractor(fields: ["a"])
        let letters = Array("\"\",{ aé\\\t\r\n\u{1F}".utf8)

        for round in 0..<5_000 {
            let isRare = round % 2 == 0
            let array = (0..<Int.random(in: 1...300, using: &random)).map { _ in
                let isPlain = isRare && Int.random(in: 0..<100, using: &random) > 0
                return isPlain ? 0x78 : letters[Int.random(in: 0..<letters.count, using: &random)]
            }
            let text = StableBytes(array, slack: JSONFieldExtractor.readAhead)
            let expected = array.firstIndex(of: 0x0A) ?? array.count
            let isReturned = expected < array.count && expected > 0 && array[expected - 1] == 0x0D
            let content = array[..<(isReturned ? expected - 1 : expected)]

            let line = extractor.beginLine(of: text.bytes)

            let isPlain = content.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\\") }
            if line.length != expected || line.isPlain != isPlain {
                Issue.record("seed \(seed), round \(round): \(line), not \(expected), plain: \(isPlain)")
            }
        }
    }

    @Test(arguments: Seeds.first(1))
    func `extractor and reader agree on made-up and damaged records`(seed: UInt64) {
        var maker = RecordMaker(seed: seed)
        let difference = JSONDifference(fields: ["user", "a", "ms", "long name of a field, longer than tokens", "a"])

        for round in 0..<10_000 {
            difference.check(maker.next(), "seed \(seed), round \(round)")
        }
    }
}

/// A field's value, comparable.
enum Found: Equatable, Sendable {
    case absent, nothing
    case boolean(Bool)
    case integer(Int64)
    case float(String)
    case text(String)
    case other(String)

    init(_ value: Value) {
        if JSONFieldExtractor.isAbsent(value) {
            self = .absent
            return
        }
        switch value.tag {
        case .nil: self = .nothing
        case .boolean: self = .boolean(value.isTruthy)
        case .integer: self = .integer(value.integer)
        case .float: self = .float(value.float.description)
        case .string: self = .text(value.text.string)
        default: self = .other(Self.show(value))
        }
    }

    private static func show(_ value: Value) -> String {
        var text = ValueText()
        var buffer = ByteBuffer()
        // A value of JSON can always be shown.
        try? text.append(value, to: &buffer)
        return buffer.bytes.string
    }
}

/// Bytes that stay where they are, with nothing readable promised behind them.
@safe
final class StableBytes {
    let bytes: Bytes
    private let room: UnsafeMutablePointer<UInt8>

    /// With `slack`, so many bytes that would change the meaning of the text lie behind it.
    init(_ array: [UInt8], slack: Int = 0) {
        unsafe self.room = .allocate(capacity: array.count + slack + 1)
        for (index, byte) in array.enumerated() { unsafe self.room[index] = byte }
        let garbage = Array(#"0"}],"x":[1"#.utf8)
        for index in 0..<slack {
            unsafe self.room[array.count + index] = garbage[(array.count + index) % garbage.count]
        }
        self.bytes = unsafe Bytes(start: self.room, count: array.count)
    }

    deinit { unsafe self.room.deallocate() }
}

/// Runs an extractor on one record.
struct JSONProbe {
    let names: [String]

    init(_ names: [String]) {
        self.names = names
    }

    func fields(of record: String) throws(JSONError) -> [Found]? {
        var extractor = JSONFieldExtractor(fields: self.names)
        return try Self.run(&extractor, Array(record.utf8), count: self.names.count, slack: 0)
    }

    static func run(
        _ extractor: inout JSONFieldExtractor,
        _ record: [UInt8],
        count: Int,
        slack: Int
    ) throws(JSONError) -> [Found]? {
        let text = StableBytes(record, slack: slack)
        var arena = Arena(limitBytes: 1 << 24)
        let values = UnsafeMutablePointer<Value>.allocate(capacity: count)
        defer { unsafe values.deallocate() }
        switch try unsafe extractor.extract(text.bytes, readableCount: slack, into: values, arena: &arena) {
        case .value: return nil
        case .fields: return (0..<count).map { index in Found(unsafe values[index]) }
        }
    }
}

/// Compares extractors that have seen other records with a reader.
final class JSONDifference {
    private let fields: [String]
    private var extractor: JSONFieldExtractor

    init(fields: [String]) {
        self.fields = fields
        self.extractor = JSONFieldExtractor(fields: fields)
    }

    func check(_ record: [UInt8], _ context: String) {
        let expected = Result { () throws(JSONError) in try self.read(record) }

        for slack in [0, JSONFieldExtractor.readAhead] {
            let actual = Result { () throws(JSONError) in
                try JSONProbe.run(&self.extractor, record, count: self.fields.count, slack: slack)
            }
            if actual != expected {
                Issue.record(
                    "\(context), slack \(slack): \(String(decoding: record, as: UTF8.self)): \(actual), not \(expected)"
                )
            }
        }
    }

    private func read(_ record: [UInt8]) throws(JSONError) -> [Found]? {
        let text = StableBytes(record)
        var arena = Arena(limitBytes: 1 << 24)
        let value = try JSONReader.read(text.bytes, in: &arena)
        guard value.has(.map) else { return nil }
        return self.fields.map { name in
            for index in stride(from: 0, to: value.pairs.count, by: 2) where value.pairs[index].text.string == name {
                return Found(value.pairs[index + 1])
            }
            return .absent
        }
    }
}
