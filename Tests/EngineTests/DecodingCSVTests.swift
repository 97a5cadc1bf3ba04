import CoreTypes
import JobPlan
import Testing

@testable import Engine

@Suite struct DecodingCSVTests {
    @Test(arguments: [
        ("a,b\nc,d\n", [["a", "b"], ["c", "d"]]),
        ("a,b\r\nc,d", [["a", "b"], ["c", "d"]]),
        ("\"a,\"\"b\"\"\",\"line\nbreak\"\r\n", [["a,\"b\"", "line\nbreak"]]),
        ("\n\r\na\n\n", [["a"]]),
        ("\"\"\n,\n", [[""], ["", ""]]),
        ("a,", [["a", ""]]),
        ("\u{FEFF}\"a\",b\n", [["a", "b"]]),
        ("\u{FEFF}", []),
        ("\"a\"\r", [["a"]]),
        ("grüße,a\rb\n", [["grüße", "a\rb"]]),
        ("", []),
    ])
    func `records are lists however blocks are cut`(text: String, expected: [[String]]) throws {
        for cut in 1...max(text.utf8.count, 1) {
            let found = try CSVProbe().read(text, cut: cut)

            #expect(found == expected.map { .list($0) }, "cut every \(cut) bytes")
        }
    }

    @Test func `two bytes of a mark that never ends are text`() throws {
        for cut in 1...4 {
            let found = try CSVProbe().read([0xEF, 0xBB, 0x2C, 0x61], cut: cut)

            #expect(found.count == 1)
            #expect(try CSVProbe().read([0xEF, 0xBB], cut: cut).count == 1)
        }
    }

    @Test func `a header makes maps`() throws {
        let found = try CSVProbe(hasHeader: true).read("name,age\nada,36\n\"bob\",1\n", cut: 5)

        #expect(found == [.map(["name": "ada", "age": "36"]), .map(["name": "bob", "age": "1"])])
    }

    @Test func `each resource has its own header`() throws {
        var probe = CSVRun(CSVProbe(hasHeader: true))

        let first = try probe.read(Array("a\n1\n".utf8), cut: 3)
        let second = try probe.read(Array("b\n2".utf8), cut: 3)

        #expect(first + second == [.map(["a": "1"]), .map(["b": "2"])])
    }

    @Test func `only wanted columns are produced`() throws {
        let found = try CSVProbe(hasHeader: true, fields: ["c", "x", "a"]).read("a,b,c\n1,2,3\n", cut: 4)

        #expect(found == [.projected(["3", nil, "1"])])
    }

    @Test func `another separator separates`() throws {
        #expect(try CSVProbe(separator: "\t").read("a,b\tc\n", cut: 2) == [.list(["a,b", "c"])])
    }

    @Test(arguments: [
        ("ok\na\"b\nok\n", CSVError.strayQuote(offset: 4), "a\"b"),
        ("ok\n\"a\"b\nok\n", .textAfterQuote(offset: 6), "\"a\"b"),
        ("ok\n\"a\"\rb\nok\n", .textAfterQuote(offset: 6), "\"a\"\rb"),
    ])
    func `a broken record is rejected with its place, and the next one read`(
        text: String,
        error: CSVError,
        bytes: String
    ) throws {
        for cut in 1...text.utf8.count {
            let found = try CSVProbe().read(text, cut: cut)

            #expect(found == [.list(["ok"]), .rejected(error, offset: 3, bytes: bytes), .list(["ok"])])
        }
    }

    @Test func `a quote that is never closed rejects the rest`() throws {
        let found = try CSVProbe().read("a\n\"b\nc", cut: 2)

        #expect(found == [.list(["a"]), .rejected(.unclosedQuote(offset: 2), offset: 2, bytes: "\"b\nc")])
    }

    @Test func `records with too few or many fields are rejected`() throws {
        let found = try CSVProbe(hasHeader: true).read("a,b\n1\n1,2,3\n", cut: 4)

        #expect(
            found == [
                .rejected(.fieldCount(offset: 4, expected: 2, actual: 1), offset: 4, bytes: "1"),
                .rejected(.fieldCount(offset: 6, expected: 2, actual: 3), offset: 6, bytes: "1,2,3"),
            ]
        )
    }

    @Test func `names must be there and differ`() {
        #expect(throws: CSVError.duplicateName(offset: 0, name: "a")) {
            try CSVProbe(hasHeader: true).read("a,b,a\n", cut: 9)
        }
        #expect(throws: CSVError.missingName(offset: 0, column: 2)) {
            try CSVProbe(hasHeader: true).read("a,,c\n", cut: 9)
        }
        #expect(throws: CSVError.strayQuote(offset: 1)) { try CSVProbe(hasHeader: true).read("a\"\n1\n", cut: 9) }
    }

    @Test(arguments: [
        ("a,b\r1,2\r", true, 3), ("a,b\r1,2", false, 3), ("\u{FEFF}a,b\r1\n2,3\n", true, 6),
        ("\"a\",\"b\"\r\"1\",\"2\"\r", true, 7), ("\"a\"\r\"b\"\r", false, 3),
    ])
    func `lines that end in a carriage return alone are an error`(text: String, hasHeader: Bool, offset: Int64) {
        for cut in 1...text.utf8.count {
            #expect(throws: CSVError.bareCarriageReturn(offset: offset), "cut every \(cut) bytes") {
                try CSVProbe(hasHeader: hasHeader).read(text, cut: cut)
            }
        }
    }

    @Test func `a carriage return in quotes, or behind the first line, is data`() throws {
        #expect(try CSVProbe(hasHeader: true).read("\"a\rb\"\n1\r2\n", cut: 3) == [.map(["a\rb": "1\r2"])])
        #expect(try CSVProbe().read("\"a\rb\"", cut: 3) == [.list(["a\rb"])])
    }

    @Test func `a record beyond the limit is an error that names its place`() {
        for cut in [1, 3, 100] {
            #expect(throws: CSVError.recordTooLong(offset: 2, limitBytes: 8)) {
                try CSVProbe(recordLimitBytes: 8).read("a\n\"23456789\"\n", cut: cut)
            }
        }
    }

    @Test(arguments: [UInt64(1), 2])
    func `random records come back`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let pieces = ["a", "long text beyond sixteen bytes", "\"", ",", "\n", "\r\n", "é", " "]
        for round in 0..<500 {
            let records = (0..<4).map { _ in
                (0..<3).map { _ in (0..<Int(random.next() % 4)).map { _ in pieces[Int(random.next() % 8)] }.joined() }
            }
            let text = records.map { $0.map(Self.quoted).joined(separator: ",") + "\r\n" }.joined()

            let found = try CSVProbe().read(text, cut: 1 + Int(random.next() % 40))

            #expect(found == records.map { .list($0) }, "seed \(seed), round \(round)")
        }
    }

    private static func quoted(_ field: String) -> String {
        guard field.utf8.contains(where: { "\",\r\n".utf8.contains($0) }) else { return field }
        return "\"" + field.replacing("\"", with: "\"\"") + "\""
    }
}

@Suite struct DecodingLineTests {
    @Test func `lines are those of a simple loop`() {
        var random = SplitMix64(seed: 5)
        for round in 0..<2_000 {
            let bytes = (0..<Int(random.next() % 300)).map { _ in Array("a\r\nbcd\n".utf8)[Int(random.next() % 7)] }
            var expected = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
            if expected.last == [] { expected.removeLast() }
            let isOpen = bytes.last != UInt8(ascii: "\n")
            for index in expected.indices where expected[index].last == UInt8(ascii: "\r") {
                if index < expected.count - 1 || !isOpen { expected[index].removeLast() }
            }
            let block = StableBytes(bytes)

            var reader = LineReader(block.bytes)
            var lines: [[UInt8]] = []
            while let line = reader.next() {
                lines.append(block.bytes.slice(line.start, line.start + line.count).array)
            }

            #expect(lines == expected, "seed 5, round \(round)")
            #expect(reader.next() == nil)
        }
    }
}

/// What a reader answered, comparable.
enum CSVFound: Equatable {
    case list([String])
    case map([String: String])
    case projected([String?])
    case rejected(CSVError, offset: Int64, bytes: String)
}

/// How to read.
struct CSVProbe {
    var hasHeader = false
    var separator: Unicode.Scalar = ","
    var fields: [String]?
    var recordLimitBytes = CSVReader.recordLimitBytes

    func read(_ text: String, cut: Int) throws(CSVError) -> [CSVFound] { try self.read(Array(text.utf8), cut: cut) }

    func read(_ bytes: [UInt8], cut: Int) throws(CSVError) -> [CSVFound] {
        var run = CSVRun(self)
        return try run.read(bytes, cut: cut)
    }
}

/// Feeds a reader with blocks of some bytes.
struct CSVRun: ~Copyable {
    private var reader: CSVReader
    private var arena = Arena(limitBytes: 1 << 24)

    init(_ probe: CSVProbe) {
        let dialect = CSVDialect(hasHeader: probe.hasHeader, separator: UInt8(ascii: probe.separator))
        self.reader = CSVReader(dialect: dialect, fields: probe.fields, recordLimitBytes: probe.recordLimitBytes)
    }

    mutating func read(_ bytes: [UInt8], cut: Int) throws(CSVError) -> [CSVFound] {
        var found: [CSVFound] = []
        self.reader.beginResource()
        for start in stride(from: 0, to: bytes.count, by: cut) {
            let block = StableBytes(Array(bytes[start..<min(start + cut, bytes.count)]))
            self.reader.begin(block.bytes)
            while let step = self.show(try self.reader.next(arena: &self.arena)) { found.append(step) }
        }
        if let step = self.show(try self.reader.finishResource(arena: &self.arena)) { found.append(step) }
        return found
    }

    private func show(_ step: CSVStep) -> CSVFound? {
        switch step {
        case .exhausted: return nil
        case .rejected(let error, let place):
            return .rejected(error, offset: place.offset, bytes: place.bytes.string)
        case .record(let value, _):
            if value.has(.map) { return .map(Self.map(value.pairs)) }
            if self.reader.isProjected { return .projected(Self.texts(value.elements)) }
            return .list(Self.texts(value.elements).map { $0 ?? "absent" })
        }
    }

    private static func map(_ pairs: Elements) -> [String: String] {
        var map: [String: String] = [:]
        for index in stride(from: 0, to: pairs.count, by: 2) {
            map[pairs[index].text.string] = pairs[index + 1].text.string
        }
        return map
    }

    private static func texts(_ elements: Elements) -> [String?] {
        (0..<elements.count).map {
            JSONFieldExtractor.isAbsent(elements[$0]) ? nil : elements[$0].text.string
        }
    }
}
