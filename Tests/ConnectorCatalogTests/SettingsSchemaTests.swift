import ConnectorCatalog
import ConnectorKit
import Foundation
import Testing

/// The settings schemas against what the connectors really take.
@Suite struct SettingsSchemaTests {
    /// A constructor that both reads and writes has an alternative for each.
    @Test(arguments: ConnectorCatalog.standard.names)
    func `the schema lists the options that the connector takes`(name: String) throws {
        let alternatives = try Self.schemas(of: name)
        let call = ConnectorSettings(
            name: name,
            arguments: alternatives.contains { $0["arguments"] != nil } ? [.string("x")] : [],
            options: ["no-such-option": .nil]
        )

        let errors = Self.errors(of: call).map { $0.message.split(separator: "It takes ").last.map(String.init) }

        let lists = alternatives.map { properties in
            properties.keys.filter { $0 != "arguments" }.sorted().map { ":\($0)" }.joined(separator: ", ")
        }
        #expect(lists.isEmpty == false, "no settings.json has a property '\(name)'")
        #expect(errors == lists)
    }

    private static func errors(of call: ConnectorSettings) -> [ConnectorError] {
        [self.makeSource, self.makeSink].compactMap { $0(call) }.filter { $0.message.contains("unknown option") }
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

    /// The properties of a constructor, the source's before the sink's.
    private static func schemas(of name: String) throws -> [[String: Any]] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("connectors")
        for folder in try FileManager.default.contentsOfDirectory(atPath: root.path).sorted() {
            let data = try Data(contentsOf: root.appendingPathComponent(folder).appendingPathComponent("settings.json"))
            let schema = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
            let constructors = try #require(schema["properties"] as? [String: [String: Any]])
            guard let constructor = constructors[name] else { continue }
            let definitions = schema["$defs"] as? [String: [String: Any]] ?? [:]
            let names = (constructor["oneOf"] as? [[String: String]] ?? []).compactMap {
                $0["$ref"]?.split(separator: "/").last
            }
            let alternatives = names.isEmpty ? [constructor] : names.compactMap { definitions[String($0)] }
            return alternatives.compactMap { $0["properties"] as? [String: Any] }
        }
        return []
    }
}
