public import ConnectorKit
internal import CoreTypes

/// Made-up records for tests and demonstrations: `generate`.
public struct GeneratorConnector: ConnectorFactory {
    public let declarations = [
        ConnectorDeclaration(
            "generate",
            as: [.batchSource, .streamSource],
            options: OptionDeclaration.readFormat(["text", "json"]) + [
                OptionDeclaration("keys", .integer(1...1_000_000_000)),
                OptionDeclaration("kind", .word(GeneratedKind.allCases.map(\.rawValue))),
                OptionDeclaration("records", .integer(0...1_000_000_000_000)),
                OptionDeclaration("seed", .integer(0...Int64.max)),
            ]
        )
    ]

    public init() {}

    public func makeSource(_ call: ConnectorSettings) throws(ConnectorError) -> (any Source)? {
        guard try self.accepts(call, as: .batchSource, .streamSource) else { return nil }
        let kind = call.text("kind").flatMap(GeneratedKind.init(rawValue:)) ?? .events
        let recordCount = call.integer("records") ?? 1_000
        let keyCount = call.integer("keys") ?? 10_000
        let seed = call.integer("seed") ?? 1
        let records = GeneratedRecords(kind: kind, seed: UInt64(seed), keyCount: Int(keyCount))
        return GeneratorSource(records: records, recordCount: recordCount)
    }

    public func makeSink(_ call: ConnectorSettings) throws(ConnectorError) -> (any Sink)? {
        nil
    }
}
