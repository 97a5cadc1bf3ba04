import ConnectorKit
import CoreTypes
import FluentSyntax
import JobPlan
import Testing

@testable import Engine

/// Tables against a dictionary, and what can't be one.
@Suite struct LookupTableTests {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `each key has the record that was added last, and no other key has one`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var model: [String: Int] = [:]
        var lines: [String] = []
        for number in 0..<random.next(in: 1..<6_000) {
            // Keys of both forms that tables of keys have, and numbers.
            let id = random.next(in: 0..<3_000)
            let key = id % 3 == 0 ? "\(id)" : "\"\(String(repeating: "k", count: id % 40))\(id)\""
            lines.append("{\"n\":\(number),\"id\":\(key)}\n")
            model[key] = number
        }

        let table = try Self.makeTable(lines, blockLines: random.next(in: 1..<500))

        #expect(table.recordCount == model.count, "seed \(seed)")
        for id in 0..<3_000 {
            for key in ["\(id)", "\"\(String(repeating: "k", count: id % 40))\(id)\""] {
                #expect(Self.number(of: key, in: table) == model[key], "seed \(seed), key \(key)")
            }
        }
    }

    @Test(arguments: [5, 6, 7] as [UInt64])
    func `of messages the last of a key counts, and one without a value removes it`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var model: [String: Int] = [:]
        // Small enough that what was replaced must go.
        var builder = LookupTableBuilder(try Self.definition(), bytesLimit: 48 << 10)
        for number in 0..<20_000 {
            let id = random.next(in: 0..<300)
            let isText = id % 2 == 0
            let key = isText ? "\"user \(id)\"" : "\(id)"
            let isRemoval = random.chance(percent: 30)
            let value = isRemoval ? nil : "{\"n\":\(number),\"id\":\(key)}"
            model[key] = isRemoval ? nil : number
            try Self.add(value, key: isText ? "user \(id)" : "\(id)", position: number, to: &builder)
        }

        let table = builder.finish()

        #expect(table.recordCount == model.count, "seed \(seed)")
        for id in 0..<300 {
            let key = id % 2 == 0 ? "\"user \(id)\"" : "\(id)"
            #expect(Self.number(of: key, in: table) == model[key], "seed \(seed), key \(key)")
        }
    }

    private static func add(
        _ value: String?,
        key: String,
        position: Int,
        to builder: inout LookupTableBuilder
    ) throws(LookupTableError) {
        var bytes = Array((value ?? "").utf8) + Array(repeating: 0, count: SourceBlock.padding)
        let count = value?.utf8.count
        var keyBytes = Array(key.utf8)
        let result = unsafe bytes.withUnsafeMutableBytes { room in
            unsafe keyBytes.withUnsafeMutableBytes { key in
                let message = unsafe StreamMessage(
                    value: count.map { unsafe UnsafeRawBufferPointer(rebasing: room[..<$0]) },
                    key: UnsafeRawBufferPointer(key),
                    timestamp: nil,
                    position: Int64(position),
                    split: 0
                )
                return Result { () throws(LookupTableError) in try builder.add(message, ofSplit: "users/0") }
            }
        }
        try result.get()
    }

    @Test func `a number of CSV is text, and text isn't a number`() throws {
        let table = try Self.makeTable(
            ["id,name\n", "1,one\n", "2,\"two, or so\"\n"],
            format: .csv(CSVDialect(hasHeader: true))
        )

        #expect(Self.text(of: "\"2\"", "name", in: table) == "two, or so")
        #expect(Self.text(of: "2", "name", in: table) == nil)
    }

    @Test func `an integer finds what an integral float is the key of`() throws {
        let table = try Self.makeTable(["{\"id\":2.0,\"n\":7}\n"])

        #expect(Self.number(of: "2", in: table) == 7)
    }

    @Test(arguments: ["{\"n\":1}\n", "{\"id\":null}\n", "[1]\n", "{\"id\":1\n"])
    func `a record without its key, or that isn't one, is named with its place`(line: String) throws {
        let error = #expect(throws: LookupTableError.self) {
            _ = try Self.makeTable(["{\"id\":1}\n", line])
        }

        #expect(error?.description.hasPrefix("table.json at offset 9: ") == true)
    }

    @Test func `a table beyond its limit is refused with the limit`() throws {
        let lines = (0..<50_000).map { "{\"id\":\($0),\"text\":\"0123456789012345678901234567890123456789\"}\n" }

        let error = #expect(throws: LookupTableError.self) { _ = try Self.makeTable(lines, bytesLimit: 2 << 20) }

        #expect(error?.description.contains("2 MiB") == true)
        #expect(try Self.makeTable(lines, bytesLimit: 16 << 20).byteCount <= 16 << 20)
    }

    @Test func `an empty source makes an empty table`() throws {
        let table = try Self.makeTable([])

        #expect(table.recordCount == 0)
        #expect(Self.number(of: "1", in: table) == nil)
    }

    // MARK: Making

    private static func definition(_ format: RecordFormat = .json) throws -> TableDefinition {
        let source = ConnectorCall(
            name: "distributed-files",
            arguments: [],
            options: [ConnectorOption(name: "format", value: Self.constant(of: format))],
            range: SourceRange(start: 0, end: 0)
        )
        let call = ConnectorCall(
            name: "table",
            arguments: [.connector(source)],
            options: [ConnectorOption(name: "key", value: .keyword("id"))],
            range: SourceRange(start: 0, end: 0)
        )
        return try TableDefinition(call)
    }

    private static func makeTable(
        _ lines: [String],
        blockLines: Int = 100,
        format: RecordFormat = .json,
        bytesLimit: Int = 64 << 20
    ) throws -> LookupTable {
        var builder = LookupTableBuilder(try Self.definition(format), bytesLimit: bytesLimit)
        let split = Split(id: SplitID(rawValue: 0), resource: "table.json", start: 0, end: nil, weightBytes: 1)
        let block = SourceBlock(capacity: 64)
        var position: Int64 = 0
        for start in stride(from: 0, to: lines.count, by: blockLines) {
            let bytes = Array(lines[start..<min(start + blockLines, lines.count)].joined().utf8)
            block.grow(to: bytes.count, preserving: 0)
            unsafe UnsafeMutableRawBufferPointer(start: block.base, count: bytes.count).copyBytes(from: bytes)
            block.count = bytes.count
            block.position = position
            position += Int64(bytes.count)
            try builder.add(block, of: split)
        }
        try builder.endSplit()
        return builder.finish()
    }

    private static func constant(of format: RecordFormat) -> Constant {
        guard case .csv = format else { return .symbol(format.name) }
        let header = ConnectorOption(name: "header", value: .boolean(true))
        let range = SourceRange(start: 0, end: 0)
        return .connector(ConnectorCall(name: "csv", arguments: [], options: [header], range: range))
    }

    /// A field of the record whose key is written as JSON.
    private static func field(_ name: String, of key: String, in table: LookupTable, _ arena: inout Arena) -> Value? {
        var buffer = ByteBuffer()
        let text = Array(key.utf8) + Array(repeating: 0, count: SourceBlock.padding)
        return unsafe text.withUnsafeBufferPointer { bytes -> Value? in
            guard let start = bytes.baseAddress else { return nil }
            let json = unsafe Bytes(start: start, count: key.utf8.count)
            guard let value = try? JSONReader.read(json, in: &arena) else { return nil }
            guard (try? ValueCodec.encodeKey(value, into: &buffer)) != nil else { return nil }
            guard let encoded = table.record(of: buffer.bytes) else { return nil }
            guard let record = try? ValueCodec.decode(encoded, in: &arena, text: .borrowed) else { return nil }
            for index in 0..<record.count where record.pairs[2 * index].text.string == name {
                return record.pairs[2 * index + 1]
            }
            return nil
        }
    }

    private static func number(of key: String, in table: LookupTable) -> Int? {
        var arena = Arena(limitBytes: 1 << 20)
        return self.field("n", of: key, in: table, &arena).map { Int($0.integer) }
    }

    private static func text(of key: String, _ name: String, in table: LookupTable) -> String? {
        var arena = Arena(limitBytes: 1 << 20)
        return self.field(name, of: key, in: table, &arena)?.text.string
    }
}
