import ConnectorCatalog
import ConnectorKit
import CoreTypes
import Foundation
import Testing

/// The settings schemas, which people and dashboards read, against what the connectors declare.
@Suite struct SettingsSchemaTests {
    /// A constructor that both reads and writes has an alternative for each, the source's first.
    @Test(arguments: ConnectorCatalog.standard.names)
    func `the schema has the options that the connector declares, and their types`(name: String) throws {
        let alternatives = try Self.schemas(of: name)
        let declarations = ConnectorCatalog.standard.declarations.filter { $0.name == name }
        let sources = declarations.filter { $0.roles.contains(where: \.isSource) }
        let sinks = declarations.filter { !$0.roles.contains(where: \.isSource) }

        let declared = [sources, sinks].filter { !$0.isEmpty }.map(Self.options)

        #expect(alternatives.isEmpty == false, "no settings.json has a property '\(name)'")
        #expect(alternatives.map { $0.options } == declared)
        #expect(
            alternatives.map(\.argumentCount)
                == [sources, sinks].compactMap { $0.first.map { Self.text(of: $0.arguments.count) } }
        )
    }

    /// Of one constructor in all its roles, each with what its value may be.
    private static func options(of declarations: [ConnectorDeclaration]) -> [String: String] {
        var options: [String: String] = [:]
        for option in declarations.flatMap(\.options) {
            if let text = self.text(of: option.rule) { options[option.name] = text }
        }
        return options
    }

    private static func text(of rule: SettingRule) -> String? {
        switch rule {
        case .boolean: "boolean"
        case .integer(let range, _):
            "integer \(range.lowerBound)…\(range.upperBound == Int64.max ? "" : "\(range.upperBound)")"
        case .word(let words), .format(let words): words.joined(separator: "|")
        case .text, .separator: "string"
        case .texts: "string or array"
        case .map: "object"
        case .either(let rules): rules.compactMap { self.text(of: $0) }.joined(separator: " or ")
        case .refused: nil
        }
    }

    private static func text(of count: ClosedRange<Int>) -> String {
        guard count.upperBound > 0 else { return "none" }
        // Limits that nobody reaches aren't in schemas.
        return "\(count.lowerBound)…\(count.upperBound == 1 ? "1" : "")"
    }

    private struct Alternative {
        let options: [String: String]
        let argumentCount: String
    }

    /// The settings of a constructor, the source's before the sink's.
    private static func schemas(of name: String) throws -> [Alternative] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("connectors")
        for folder in try FileManager.default.contentsOfDirectory(atPath: root.path).sorted() {
            let data = try Data(contentsOf: root.appendingPathComponent(folder).appendingPathComponent("settings.json"))
            let schema = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
            let constructors = try #require(schema["properties"] as? [String: [String: Any]])
            guard let constructor = constructors[name] else { continue }
            let definitions = schema["$defs"] as? [String: [String: Any]] ?? [:]
            let references = (constructor["oneOf"] as? [[String: Any]] ?? []).map { self.resolved($0, definitions) }
            return try (references.isEmpty ? [constructor] : references).map { schema in
                let properties = try #require(schema["properties"] as? [String: [String: Any]])
                let arguments = properties["arguments"]
                return Alternative(
                    options: properties.filter { $0.key != "arguments" }.mapValues { self.text(of: $0, definitions) },
                    argumentCount: arguments.map {
                        "\($0["minItems"] as? Int ?? 0)…\(($0["maxItems"] as? Int).map { "\($0)" } ?? "")"
                    } ?? "none"
                )
            }
        }
        return []
    }

    private static func resolved(_ schema: [String: Any], _ definitions: [String: [String: Any]]) -> [String: Any] {
        guard let name = (schema["$ref"] as? String)?.split(separator: "/").last else { return schema }
        return definitions[String(name)] ?? schema
    }

    private static func text(of schema: [String: Any], _ definitions: [String: [String: Any]]) -> String {
        let schema = self.resolved(schema, definitions)
        if let words = schema["enum"] as? [String] { return words.joined(separator: "|") }
        if let choices = schema["oneOf"] as? [[String: Any]] {
            return choices.map { self.text(of: $0, definitions) }.joined(separator: " or ")
        }
        let type = schema["type"] as? String ?? "anything"
        guard type == "integer" else { return type }
        let bounds = ["minimum", "maximum"].map { (schema[$0] as? Int).map { "\($0)" } ?? "" }
        return "integer \(bounds[0])…\(bounds[1])"
    }
}
