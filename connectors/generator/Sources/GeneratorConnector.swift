public import ConnectorKit

/// Made-up records for tests and demonstrations: `generate`.
public struct GeneratorConnector: ConnectorFactory {
    public let names = ["generate"]

    public init() {}

    public func makeSource(_ call: ConnectorSettings) throws(ConnectorError) -> (any Source)? {
        guard call.name == "generate" else { return nil }
        try call.checkOptions(["format", "keys", "kind", "records", "seed"])
        guard call.arguments.isEmpty else { throw call.error("it takes options only, such as :records 1000") }
        let kinds = GeneratedKind.allCases.map(\.rawValue)
        let kind = try call.choice("kind", among: kinds).flatMap(GeneratedKind.init(rawValue:)) ?? .events
        let recordCount = try call.integer("records", in: 0...1_000_000_000_000) ?? 1_000
        let keyCount = try call.integer("keys", in: 1...1_000_000_000) ?? 10_000
        let seed = try call.integer("seed", in: 0...Int64.max) ?? 1
        let records = GeneratedRecords(kind: kind, seed: UInt64(seed), keyCount: Int(keyCount))
        return GeneratorSource(records: records, recordCount: recordCount)
    }

    public func makeSink(_ call: ConnectorSettings) throws(ConnectorError) -> (any Sink)? {
        nil
    }
}
