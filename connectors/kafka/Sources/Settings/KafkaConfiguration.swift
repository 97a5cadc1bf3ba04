internal import CRdkafka
internal import ConnectorKit

/// How brokers are reached: checked when a program is, so that only the brokers can object later.
struct KafkaConfiguration: Sendable {
    /// What sources and sinks have in common.
    static let options = [
        OptionDeclaration("brokers", .texts("a string, \"host:port,host:port\"")),
        OptionDeclaration(
            "properties",
            .map(example: "{\"compression.type\" \"zstd\"}") { name, value in
                let called = "\"\(name)\" in :properties"
                guard let text = Self.text(value) else { return "\(called) must be a string, a number, true or false" }
                return Self.problem(name, text, called: called)
            }
        ),
    ]

    /// Who runs a program often says where its brokers are.
    static let brokersNeed = SettingNeed(
        "brokers",
        defaults: ["kafka.brokers", "kafka.bootstrap.servers"],
        predicate: "doesn't know its brokers",
        help: "give it :brokers \"host:port\", or run with -D kafka.brokers=host:port or --dev-broker"
    )

    /// `host:port,host:port`.
    let brokers: String

    /// The consumer group that positions are published to; nil: none.
    let group: String?

    /// Properties of librdkafka that the program or the defaults give.
    private let properties: [String: String]

    init(brokers: String, group: String? = nil, properties: [String: String] = [:]) {
        self.brokers = brokers
        self.group = group
        self.properties = properties
    }

    /// - Throws: There are no brokers, or a default isn't known, is refused or has a wrong value.
    init(_ call: ConnectorSettings, defaults: KafkaDefaults) throws(ConnectorError) {
        self.brokers = try Self.brokers(call, defaults)
        self.group = call.text("group") ?? defaults.group
        var properties: [String: String] = [:]
        for (name, value) in defaults.properties.sorted(by: { $0.key < $1.key }) {
            let called = "the default \(KafkaDefaults.prefix)\(name)"
            if let problem = Self.problem(name, value, called: called) { throw call.error(problem) }
            properties[name] = value
        }
        if case .map(let values) = call.options["properties"] {
            for (name, value) in values { properties[name] = Self.text(value) }
        }
        self.properties = properties
    }

    /// The value of a property that was set.
    func value(of property: String) -> String? {
        self.properties[property]
    }

    /// Properties in the order to set them: `preset`, what was asked for, then `required`, which nothing overrides.
    func properties(preset: [String: String], required: [String: String]) -> [(name: String, value: String)] {
        var all = preset
        all.merge(self.properties) { $1 }
        all.merge(required) { $1 }
        all["bootstrap.servers"] = self.brokers
        return all.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }

    /// A text without the secrets that it may quote.
    func redacted(_ text: String) -> String {
        var text = text
        for (name, value) in self.properties.sorted(by: { $0.key < $1.key })
        where KafkaProperty.isSecret(name) && !value.isEmpty {
            text = text.replacing(value, with: KafkaProperty.redacted)
        }
        return text
    }

    // MARK: - Reading a call

    private static func brokers(
        _ call: ConnectorSettings,
        _ defaults: KafkaDefaults
    ) throws(ConnectorError) -> String {
        let brokers = call.texts("brokers")?.joined(separator: ",") ?? defaults.brokers
        guard let brokers, brokers.contains(where: { $0 != "," && $0 != " " }) else {
            let advice = "give it :brokers \"host:port\", or run with -D kafka.brokers=host:port"
            throw call.error("it doesn't know its brokers; \(advice)")
        }
        return brokers
    }

    private static func text(_ value: SettingValue) -> String? {
        switch value {
        case .string(let text): text
        case .integer(let number): String(number)
        case .float(let number): String(number)
        case .boolean(let isTrue): isTrue ? "true" : "false"
        case .nil, .list, .map, .call, .other: nil
        }
    }

    /// Asks the library whether a property can have a value; what is wrong with it, nil if nothing is.
    private static func problem(_ name: String, _ value: String, called: String) -> String? {
        if let reason = KafkaProperty.refusal(of: name) { return "\(called) can't be set: \(reason)" }
        switch NativeConfiguration.verdict(on: name, value) {
        case .accepted:
            return nil
        case .unknown:
            let known = NativeConfiguration.propertyNames.filter { KafkaProperty.refusal(of: $0) == nil }
            let nearest = NearestName.of(name, among: known).map { "; did you mean \"\($0)\"?" } ?? ""
            return "\(called) is no property of librdkafka\(nearest)"
        case .invalid(let reason):
            // The library may quote the value.
            return "\(called): \(KafkaProperty.isSecret(name) ? "its value is refused" : reason)"
        }
    }
}

/// Reflection finds no secret in it.
extension KafkaConfiguration: CustomStringConvertible, CustomReflectable {
    var description: String { "Kafka at \(self.brokers)" }

    var customMirror: Mirror { Mirror(self, children: ["brokers": self.brokers, "group": self.group as Any]) }
}
