/// Settings that apply where a call says nothing: of the command line, the environment, a file.
struct KafkaDefaults: Sendable {
    static let prefix = "kafka."

    let brokers: String?
    let group: String?

    /// Properties of librdkafka, without the prefix.
    let properties: [String: String]

    init(_ defaults: [String: String]) {
        var named: [String: String] = [:]
        for (name, value) in defaults where name.hasPrefix(Self.prefix) {
            named[String(name.dropFirst(Self.prefix.count))] = value
        }
        // Unlike in a program, here the library's own names can mean nothing else.
        let servers = named.removeValue(forKey: "bootstrap.servers")
        self.brokers = named.removeValue(forKey: "brokers") ?? servers
        self.group = named.removeValue(forKey: "group.id")
        self.properties = named
    }
}

/// Reflection finds no secret in it.
extension KafkaDefaults: CustomStringConvertible, CustomReflectable {
    var description: String { "Kafka's defaults" }

    var customMirror: Mirror { Mirror(self, children: []) }
}
