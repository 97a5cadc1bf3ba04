import CoreTypes
import FluentSyntax
import JobPlan
import Testing

@testable import Engine

@Suite struct PairFormatterTests {
    private static let csv = RecordFormat.csv(CSVDialect())

    @Test(arguments: [
        (#""key""#, "1", "key\t1\n"),
        (#""""#, "nil", "\t\n"),
        ("-7", "2.5", "-7\t2.5\n"),
        ("true", ":word", "true\tword\n"),
        (#""a\tb""#, #""c\nd""#, "a\\tb\tc\\nd\n"),
        (#""a\\b""#, #""\r""#, "a\\\\b\t\\r\n"),
        (#""k""#, #"["a\tb" 1 nil]"#, "k\t[\"a\\tb\",1,null]\n"),
        (#""k""#, "{:a 1}", "k\t{\"a\":1}\n"),
        (#"["x" 1]"#, #""ü""#, "[\"x\",1]\tü\n"),
    ])
    func `text is a line of key, tab and value`(key: String, value: String, line: String) throws {
        #expect(try Self.format(key, value, as: .text) == line)
    }

    @Test(arguments: [
        (#""key""#, "1", #"{"key":"key","value":1}"#),
        ("nil", "[1 [2.5 true] {:a nil}]", #"{"key":null,"value":[1,[2.5,true],{"a":null}]}"#),
        (#""a\"b""#, #""line\nend""#, #"{"key":"a\"b","value":"line\nend"}"#),
    ])
    func `json is an object of key and value`(key: String, value: String, line: String) throws {
        #expect(try Self.format(key, value, as: .json) == line + "\n")
    }

    @Test(arguments: [
        (#""key""#, "1", "key,1\r\n"),
        (#""key""#, #"["a" 2 nil]"#, "key,a,2,\r\n"),
        (#""a,b""#, #""c\"d""#, "\"a,b\",\"c\"\"d\"\r\n"),
        (#""a\nb""#, #""\r""#, "\"a\nb\",\"\r\"\r\n"),
        (#""k""#, "[[1 2] {:a 1}]", "k,\"[1,2]\",\"{\"\"a\"\":1}\"\r\n"),
        (#""k""#, "[]", "k\r\n"),
    ])
    func `csv is a record of the key and the value, or each of a list`(key: String, value: String, line: String) throws
    {
        #expect(try Self.format(key, value, as: Self.csv) == line)
    }

    @Test func `another separator is quoted instead of the comma`() throws {
        let format = RecordFormat.csv(CSVDialect(separator: UInt8(ascii: ";")))

        #expect(try Self.format(#""a,b""#, #""c;d""#, as: format) == "a,b;\"c;d\"\r\n")
    }

    @Test(arguments: [(#""a\tb\n""#, "a\tb\n"), ("12", "12"), ("nil", ""), ("[1 2]", "[1 2]")])
    func `bytes are the value alone, as it is`(value: String, content: String) throws {
        #expect(try Self.format(#""key""#, value, as: .bytes) == content)
    }

    @Test(arguments: 0..<UInt64(40))
    func `text that was escaped is one line and can be read back`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let alphabet: [UInt8] = [9, 10, 13, 92, 97, 110, 114, 116, 0, 34, 0xC3, 0xFF]
        var formatter = PairFormatter(format: .text)
        var pairs: [[[UInt8]]] = []
        for _ in 0..<20 {
            let pair = (0..<2).map { _ in (0..<random.next(in: 0..<12)).map { _ in alphabet[random.next(in: 0..<12)] } }
            var arena = Arena(limitBytes: 1 << 20)
            try formatter.append(
                key: TestKey.text(pair[0]).value(in: &arena),
                value: TestKey.text(pair[1]).value(in: &arena)
            )
            pairs.append(pair)
        }

        let lines = formatter.buffer.bytes.array.split(separator: 10, omittingEmptySubsequences: false).dropLast()
        let found = lines.map { line in
            line.split(separator: 9, omittingEmptySubsequences: false).map { Self.unescaped(Array($0)) }
        }

        #expect(found == pairs, "replay with seed \(seed)")
    }

    private static func unescaped(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var isEscaped = false
        for byte in text {
            if !isEscaped, byte == 92 {
                isEscaped = true
                continue
            }
            let plain: UInt8 = isEscaped ? [116: 9, 110: 10, 114: 13, 92: 92][byte] ?? 0xEE : byte
            result.append(plain)
            isEscaped = false
        }
        return result
    }

    /// A pair of literals as an output has it.
    private static func format(_ key: String, _ value: String, as format: RecordFormat) throws -> String {
        var arena = Arena(limitBytes: 1 << 20)
        var formatter = PairFormatter(format: format)
        try formatter.append(key: try self.literal(key, in: &arena), value: try self.literal(value, in: &arena))
        return formatter.buffer.bytes.string
    }

    /// The value of a literal.
    private static func literal(_ text: String, in arena: inout Arena) throws -> Value {
        let program = try #require(Frontend.check(SourceFile(name: "literal.fl", text: text)).program)
        var compiler = ProgramCompiler()
        let forms = try compiler.add(program)
        var machine = Machine(program: compiler.finish(), limits: MachineLimits(), host: MachineTestHost())
        guard case .expression(let function, _, _)? = forms.last else { return .nil }
        machine.beginForm()
        var buffer = ByteBuffer()
        try ValueCodec.encode(try machine.call(function), into: &buffer)
        return try ValueCodec.decode(buffer.bytes, in: &arena, text: .copied)
    }
}
