public import ConnectorKit

/// Reads topics; each partition is a split called `topic/partition`, its offsets are the positions.
public struct KafkaSource: Source, StreamSource {
    let topics: TopicSelection
    let start: StartPosition
    let configuration: KafkaConfiguration

    public var summary: String { "Kafka \(self.topics)" }

    public func discoverSplits() throws(ConnectorError) -> [StreamSplit] {
        try self.discoverSplits(from: self.start)
    }

    /// A partition that was added, or a topic that begins to match, is read from its beginning: between its making and
    /// its discovery records may have been written.
    public func discoverLaterSplits() throws(ConnectorError) -> [StreamSplit] {
        try self.discoverSplits(from: .earliest)
    }

    public func makeStreamReader(
        wake: @escaping @Sendable () -> Void
    ) throws(ConnectorError) -> any StreamReader {
        try KafkaReader(self.configuration, wake: wake)
    }

    public func enumerateSplits(framing: Framing, targetBytes: Int64) throws(ConnectorError) -> [Split] {
        throw self.unbounded
    }

    public func makeReader(for split: Split, framing: Framing) throws(ConnectorError) -> any SourceReader {
        throw self.unbounded
    }

    private var unbounded: ConnectorError {
        let message = "can't read \(self.summary) in a job that ends: a topic has no end; use define-streaming-job"
        return ConnectorError(.user, retry: .never, message)
    }

    // MARK: - Discovery

    private func discoverSplits(from start: StartPosition) throws(ConnectorError) -> [StreamSplit] {
        let directory = try TopicDirectory(self.configuration)
        var partitions: [TopicPartition] = []
        for topic in try self.topicNames(directory) { partitions += try directory.partitions(of: topic) }
        guard partitions.count <= TopicDirectory.partitionLimit else {
            let limit = TopicDirectory.partitionLimit
            let message =
                "can't read \(self.summary): \(partitions.count) partitions, \(limit) are allowed; name fewer topics"
            throw ConnectorError(.user, retry: .never, message)
        }
        let positions = try Self.positions(of: partitions, from: start, directory)
        return zip(partitions, positions).map { StreamSplit(name: $0.name, position: $1) }
    }

    private func topicNames(_ directory: borrowing TopicDirectory) throws(ConnectorError) -> [String] {
        let patterns: [TopicPattern]
        switch self.topics {
        case .names(let names): return names
        case .patterns(let texts): patterns = texts
        }
        let all = try directory.topicNames()
        var names: [String] = []
        for name in all {
            for pattern in patterns where try pattern.matches(name) {
                names.append(name)
                break
            }
        }
        guard !names.isEmpty else {
            let message =
                "can't read \(self.summary) of \(self.configuration): none of its \(all.count) topics does; "
                + "patterns match whole names, so write \"events.*\" for all that begin with events"
            throw ConnectorError(.user, retry: .after(.seconds(30)), message)
        }
        return names
    }

    private static func positions(
        of partitions: [TopicPartition],
        from start: StartPosition,
        _ directory: borrowing TopicDirectory
    ) throws(ConnectorError) -> [Int64] {
        switch start {
        case .earliest:
            return try directory.firstPositions(of: partitions)
        case .latest:
            return try directory.endPositions(of: partitions)
        case .committed:
            let firsts = try directory.firstPositions(of: partitions)
            return zip(try directory.committedPositions(of: partitions), firsts).map { $0 ?? $1 }
        case .time(let time):
            // Asked first: a record that comes between two questions is one that comes after the answer.
            let ends = try directory.endPositions(of: partitions)
            return zip(try directory.positions(of: partitions, at: time), ends).map { $0 ?? $1 }
        }
    }
}
