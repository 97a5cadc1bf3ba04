import Platform

/// Settings of connectors that the command line or the environment gives.
enum ConnectorDefaults {
    /// Variables and the settings that they are: `-D` goes before them.
    private static let variables = [
        ("WEIR_KAFKA_BROKERS", "kafka.brokers"),
        ("WEIR_KAFKA_SECURITY_PROTOCOL", "kafka.security.protocol"),
        ("WEIR_KAFKA_SASL_MECHANISM", "kafka.sasl.mechanism"),
        ("WEIR_KAFKA_SASL_USERNAME", "kafka.sasl.username"),
        ("WEIR_KAFKA_SASL_PASSWORD", "kafka.sasl.password"),
        ("WEIR_KAFKA_SSL_CA_LOCATION", "kafka.ssl.ca.location"),
    ]

    /// Those of the environment, and of `-D` the ones whose names have a dot.
    static func values(_ parameters: [String: String]) -> [String: String] {
        var values: [String: String] = [:]
        for (variable, name) in self.variables {
            if let value = ProcessEnvironment.value(variable) { values[name] = value }
        }
        for (name, value) in parameters where name.contains(".") { values[name] = value }
        return values
    }
}
