import ConnectorCatalog
import ConnectorKit
import Foundation
import Testing

/// The settings schemas against what the connectors really take.
@Suite struct SettingsSchemaTests {
    @Test(arguments: ConnectorCatalog.standard.names)
    func `the schema lists the options that the connector takes`(name: String) throws {
        let properties = try #require(try Self.schema(of: name), "no settings.json has a property '\(name)'")
        let call = ConnectorSettings(
            name: name,
            arguments: properties["arguments"] == nil ? [] : [.string("x")],
            options: ["no-such-option": .nil]
        )

        let error = Self.error(of: call)

        let options = properties.keys.filter { $0 != "arguments" }.sorted().map { ":\($0)" }
        #expect(error?.message.hasSuffix("It takes \(options.joined(separator: ", "))") == true)
    }

    private static func error(of call: ConnectorSettings) -> ConnectorError? {
        for attempt in [self.makeSource, self.makeSink] {
            if let error = attempt(call), error.message.contains("unknown option") { return error }
        }
        return nil
    }

    private static func makeSource(_ call: ConnectorSettings) -> ConnectorError? {
        do throws(ConnectorError) {
            _ = try ConnectorCatalog.standard.makeSource(call)
            return nil
        } catch {
            return error
        }
    }

    private static func makeSink(_ call: ConnectorSettings) -> ConnectorError? {
        do throws(ConnectorError) {
            _ = try ConnectorCatalog.standard.makeSink(call)
            return nil
        } catch {
            return error
        }
    }

    private static func schema(of name: String) throws -> [String: Any]? {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("connectors")
        for folder in try FileManager.default.contentsOfDirectory(atPath: root.path).sorted() {
            let data = try Data(contentsOf: root.appendingPathComponent(folder).appendingPathComponent("settings.json"))
            let schema = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
            let constructors = try #require(schema["properties"] as? [String: [String: Any]])
            if let constructor = constructors[name] { return constructor["properties"] as? [String: Any] }
        }
        return nil
    }
}
