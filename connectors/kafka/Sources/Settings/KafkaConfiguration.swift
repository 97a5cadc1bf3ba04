internal import CRdkafka
internal import ConnectorKit

/// How brokers are reached: checked when a program is, so that only the brokers can object later.
struct KafkaConfiguration: Sendable {
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

    /// - Throws: There are no brokers, or a property isn't known, is refused or has a wrong value.
    init(_ call: ConnectorSettings, defaults: KafkaDefaults) throws(ConnectorError) {
        self.brokers = try Self.brokers(call, defaults)
        self.group = try Self.group(call) ?? defaults.group
        var properties: [String: String] = [:]
        for (name, value) in defaults.properties.sorted(by: { $0.key < $1.key }) {
            try Self.check(name, value, called: "the default \(KafkaDefaults.prefix)\(name)", call)
            properties[name] = value
        }
        for (name, value) in try Self.properties(call).sorted(by: { $0.key < $1.key }) {
            try Self.check(name, value, called: "\"\(name)\" in :properties", call)
            properties[name] = value
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
        var brokers = defaults.brokers
        switch call.options["brokers"] {
        case nil, .nil:
            break
        case .string(let text):
            brokers = text
        case .list(let elements):
            var names: [String] = []
            for element in elements {
                guard case .string(let name) = element else { throw call.error("a broker must be a string, host:port") }
                names.append(name)
            }
            brokers = names.joined(separator: ",")
        default:
            throw call.error("option :brokers must be a string, \"host:port,host:port\"")
        }
        guard let brokers, brokers.contains(where: { $0 != "," && $0 != " " }) else {
            let advice = "give it :brokers \"host:port\", or run with -D kafka.brokers=host:port"
            throw call.error("it doesn't know its brokers; \(advice)")
        }
        return brokers
    }

    private static func group(_ call: ConnectorSettings) throws(ConnectorError) -> String? {
        switch call.options["group"] {
        case nil, .nil: return nil
        case .string(let name) where !name.isEmpty: return name
        default: throw call.error("option :group must be the name of a consumer group")
        }
    }

    private static func properties(_ call: ConnectorSettings) throws(ConnectorError) -> [String: String] {
        switch call.options["properties"] {
        case nil, .nil:
            return [:]
        case .map(let values):
            var properties: [String: String] = [:]
            for (name, value) in values {
                guard let text = Self.text(value) else {
                    throw call.error("\"\(name)\" in :properties must be a string, a number, true or false")
                }
                properties[name] = text
            }
            return properties
        default:
            throw call.error("option :properties must be a map, such as {\"compression.type\" \"zstd\"}")
        }
    }

    private static func text(_ value: SettingValue) -> String? {
        switch value {
        case .string(let text): text
        case .integer(let number): String(number)
        case .float(let number): String(number)
        case .boolean(let isTrue): isTrue ? "true" : "false"
        case .nil, .list, .map: nil
        }
    }

    /// Asks the library whether a property can have a value.
    private static func check(
        _ name: String,
        _ value: String,
        called: String,
        _ call: ConnectorSettings
    ) throws(ConnectorError) {
        if let reason = KafkaProperty.refusal(of: name) { throw call.error("\(called) can't be set: \(reason)") }
        switch NativeConfiguration.verdict(on: name, value) {
        case .accepted:
            return
        case .unknown:
            let known = NativeConfiguration.propertyNames.filter { KafkaProperty.refusal(of: $0) == nil }
            let nearest = NearestName.of(name, among: known).map { "; did you mean \"\($0)\"?" } ?? ""
            throw call.error("\(called) is no property of librdkafka\(nearest)")
        case .invalid(let reason):
            // The library may quote the value.
            let reason = KafkaProperty.isSecret(name) ? "its value is refused" : reason
            throw call.error("\(called): \(reason)")
        }
    }
}

/// Reflection finds no secret in it.
extension KafkaConfiguration: CustomStringConvertible, CustomReflectable {
    var description: String { "Kafka at \(self.brokers)" }

    var customMirror: Mirror { Mirror(self, children: ["brokers": self.brokers, "group": self.group as Any]) }
}
