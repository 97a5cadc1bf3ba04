import CoreTypes
import Engine
import Testing

@Suite struct ValuesJSONTests {
    @Test(arguments: [
        ("null", "nil"), (" [1, -2.50, 1e2, 12345678901234567890] ", "[1 -2.5 100.0 1.2345678901234567e+19]"),
        ("[1e22, 1E-7]", "[1.0e+22 1.0e-07]"),
        ("\"\\u0041\\n\\/\\ud83d\\ude00\\ud800x\"", "\"A\\n/\u{1F600}\u{FFFD}x\""), ("{}", "{}"),
        ("{\"a\":{\"b\":[]},\"a\":2,\"c\":true}", "{\"a\" 2 \"c\" true}"), ("-0", "0"), ("\"é\"", "\"é\""),
        ("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "-9223372036854775808"),
    ])
    func `JSON is read`(_ row: (String, String)) throws {
        var arena = Arena(limitBytes: 1 << 20)
        let text = arena.text(.string, row.0)

        let value = try JSONReader.read(text.text, in: &arena)

        #expect(value.shown == row.1)
    }

    @Test(arguments: [
        "", "nul", "01", "1.", ".5", "+1", "1e", "[1,]", "[1 2]", "{\"a\":}", "{a:1}", "{\"a\":1,}", "\"\t\"",
        "\"\\x\"",
        "\"\\u12g4\"", "\"abc", "[", "1 2", "NaN", "tru e", "'a'", "{\"a\" 1}", "-", "[1}", "1e400", "[-1.0e309]",
    ])
    func `what isn't JSON is refused`(_ text: String) throws {
        var arena = Arena(limitBytes: 1 << 20)
        let value = arena.text(.string, text)

        #expect(throws: JSONError.self) { try JSONReader.read(value.text, in: &arena) }
    }

    @Test func `nesting is limited`() throws {
        var arena = Arena(limitBytes: 1 << 20)
        let fine = arena.text(
            .string,
            String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        )
        let deep = arena.text(.string, String(repeating: "[", count: 100_000))

        let value = try JSONReader.read(fine.text, in: &arena)

        #expect(value.count == 1)
        #expect(throws: JSONError.tooDeep(offset: 129)) { try JSONReader.read(deep.text, in: &arena) }
    }

    @Test func `of many equal keys the last counts at the first place`() throws {
        var arena = Arena(limitBytes: 1 << 20)
        let entries = (0..<100).map { "\"k\($0 % 50)\":\($0)" }.joined(separator: ",")
        let text = arena.text(.string, "{\(entries)}")

        let value = try JSONReader.read(text.text, in: &arena)

        #expect(value.count == 50)
        #expect(value.shown.hasPrefix("{\"k0\" 50 \"k1\" 51 "))
    }

    @Test func `whatever float is written as text or JSON reads back`() throws {
        var arena = Arena(limitBytes: 1 << 24)
        for seed in UInt64(0)..<5_000 {
            var random = SplitMix64(seed: seed)
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            var text = ByteBuffer()
            var json = ByteBuffer()
            var textWriter = ValueText()
            var jsonWriter = ValueJSON()

            try textWriter.append(Value(value), to: &text)
            try jsonWriter.append(Value(value), to: &json)

            #expect(NumberText.float(of: text.bytes)?.bitPattern == value.bitPattern, "seed \(seed)")
            #expect(try JSONReader.read(json.bytes, in: &arena).float.bitPattern == value.bitPattern, "seed \(seed)")
        }
    }

    @Test func `numbers that don't fit are repaired, bytes too`() throws {
        var arena = Arena(limitBytes: 1 << 20)
        var bytes = ByteBuffer()
        for byte in [0x61, 0xFF, 0x01, 0x22] as [UInt8] { bytes.append(byte) }
        let text = arena.makeText(.string, copying: bytes.bytes) ?? .nil
        var output = ByteBuffer()
        var json = ValueJSON()

        try json.append(text, to: &output)
        try json.append(Value(Double.nan), to: &output)

        #expect(output.bytes.string == "\"a\u{FFFD}\\u0001\\\"\"null")
    }
}
