import ConnectorCatalog
import ConnectorKit
import Testing

@Suite struct ConnectorCatalogTests {
    private static let names = [
        "distributed-files", "distributed-path", "generate", "kafka-stream", "kafka-topic", "stdout",
    ]

    private let catalog = ConnectorCatalog.standard

    @Test func `every constructor of the language makes what it says`() throws {
        let files = try self.catalog.makeSource(Self.call("distributed-files", [.string("/data/*.txt")]))
        let numbers = try self.catalog.makeSource(Self.call("generate", options: ["records": .integer(5)]))
        let path = try self.catalog.makeSink(Self.call("distributed-path", [.string("/results")]))
        let output = try self.catalog.makeSink(Self.call("stdout"))

        #expect(files.summary == "/data/*.txt")
        #expect(numbers.summary == "5 generated events (seed 1)")
        #expect(path.summary == "/results")
        #expect(output.summary == "standard output")
        #expect(self.catalog.names == Self.names)
    }

    @Test func `a name that is spelled wrong is answered with the nearest one`() {
        let error = #expect(throws: ConnectorError.self) {
            try self.catalog.makeSource(Self.call("distributed-file", [.string("x")]))
        }

        #expect(error?.message.contains("did you mean (distributed-files …)?") == true)
        #expect(error?.domain == .user)
    }

    @Test func `a name that is like none is answered with the list`() {
        let error = #expect(throws: ConnectorError.self) { try self.catalog.makeSink(Self.call("http-sink")) }

        #expect(error?.message.hasSuffix("There are \(Self.names.joined(separator: ", "))") == true)
    }

    @Test func `a sink can't be read and a source can't be written`() {
        let read = #expect(throws: ConnectorError.self) { try self.catalog.makeSource(Self.call("stdout")) }
        let written = #expect(throws: ConnectorError.self) { try self.catalog.makeSink(Self.call("generate")) }

        #expect(read?.message.contains("is a sink") == true)
        #expect(written?.message.contains("is a source") == true)
    }

    @Test(arguments: [
        (call("distributed-files", [.string("x")], ["recursiv": .boolean(true)]), "did you mean :recursive?"),
        (call("distributed-files", [.string("x")], ["recursive": .integer(1)]), "must be true or false"),
        (call("distributed-files", [.integer(1)]), "isn't a string"),
        (call("distributed-files"), "needs a path or a pattern"),
        (call("generate", options: ["kind": .string("noise")]), "must be one of 'events, 'words"),
        (call("generate", options: ["records": .integer(-1)]), "must be an integer from 0"),
    ])
    func `a wrong setting of a source is named`(call: ConnectorSettings, part: String) {
        let error = #expect(throws: ConnectorError.self) { try self.catalog.makeSource(call) }

        #expect(error?.message.contains(part) == true, "\(String(describing: error))")
        #expect(error?.message.contains("(\(call.name) …)") == true)
    }

    @Test(arguments: [
        (call("distributed-path", [.string("x")], ["overwite": .boolean(true)]), "did you mean :overwrite?"),
        (
            call("distributed-path", [.string("x"), .string("y")]),
            "takes one argument, the path of a directory, and got 2"
        ),
        (call("distributed-path", [.string("x")], ["compression": .string("lzma")]), "one of 'none, 'zstd"),
        (call("stdout", options: ["zzz": .nil]), "its options are :format :separator :sorted"),
    ])
    func `a wrong setting of a sink is named`(call: ConnectorSettings, part: String) {
        let error = #expect(throws: ConnectorError.self) { try self.catalog.makeSink(call) }

        #expect(error?.message.contains(part) == true, "\(String(describing: error))")
    }

    private static func call(
        _ name: String,
        _ arguments: [SettingValue] = [],
        _ options: [String: SettingValue] = [:]
    ) -> ConnectorSettings {
        ConnectorSettings(name: name, arguments: arguments, options: options)
    }

    private static func call(_ name: String, options: [String: SettingValue]) -> ConnectorSettings {
        self.call(name, [], options)
    }
}
