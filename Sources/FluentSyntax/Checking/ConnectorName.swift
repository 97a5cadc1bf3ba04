/// Constructors of sources and sinks.
enum ConnectorName: String, CaseIterable {
    case distributedFiles = "distributed-files"
    case distributedPath = "distributed-path"
    case stdout
    case generate
    case kafkaStream = "kafka-stream"
    case kafkaTopic = "kafka-topic"
    case httpSink = "http-sink"
    /// Several sources as one, for streams.
    case union
    /// A source's records by a field, to look them up.
    case table

    var isAvailable: Bool {
        switch self {
        case .distributedFiles, .distributedPath, .stdout, .generate, .kafkaStream, .kafkaTopic, .union, .table: true
        case .httpSink: false
        }
    }

    /// What its first argument is, where it needs one, and an example.
    var place: (noun: String, example: String)? {
        switch self {
        case .distributedFiles, .distributedPath: ("a path", "\"/data/…\"")
        case .kafkaStream, .kafkaTopic: ("a topic", "\"events\"")
        case .stdout, .generate, .httpSink, .union, .table: nil
        }
    }

    var usage: String {
        switch self {
        case .stdout, .generate: "(\(self.rawValue))"
        case .union: "(union SOURCE…)"
        case .table: "(table SOURCE :key :field)"
        case .distributedFiles, .distributedPath, .kafkaStream, .kafkaTopic, .httpSink: "(\(self.rawValue) …)"
        }
    }

    /// A job can read from it.
    var isSource: Bool {
        switch self {
        case .distributedFiles, .generate, .kafkaStream, .kafkaTopic, .union: true
        case .distributedPath, .stdout, .httpSink, .table: false
        }
    }

    /// A job whose input ends can read from it.
    var isBatchSource: Bool { self.isSource && self != .union }

    /// It goes on: a table holds what it has when a stream begins.
    var isTopic: Bool { self == .kafkaStream || self == .kafkaTopic }

    var isSink: Bool {
        switch self {
        case .distributedPath, .stdout, .kafkaStream, .kafkaTopic, .httpSink: true
        case .distributedFiles, .generate, .union, .table: false
        }
    }
}
