internal import CRdkafka
internal import ConnectorKit

/// A partition of a topic: what a split of a stream is.
struct TopicPartition: Hashable, Sendable {
    let topic: String
    let partition: Int32

    /// `clicks/3`: no topic has a slash in its name.
    var name: String { "\(self.topic)/\(self.partition)" }

    init(topic: String, partition: Int32) {
        self.topic = topic
        self.partition = partition
    }

    /// Nil where the name isn't one of a topic's partition.
    init?(name: String) {
        guard let slash = name.lastIndex(of: "/"), let partition = Int32(name[name.index(after: slash)...]) else {
            return nil
        }
        guard slash > name.startIndex, partition >= 0 else { return nil }
        self.init(topic: String(name[..<slash]), partition: partition)
    }

    /// - Throws: A checkpoint names a split that can't be one of Kafka's.
    init(split: StreamSplit) throws(ConnectorError) {
        guard let parsed = TopicPartition(name: split.name) else {
            let message =
                "can't read \"\(split.name)\": it isn't a partition, topic/number; was the checkpoint another source's?"
            throw ConnectorError(.internal, retry: .never, message)
        }
        self = parsed
    }
}

/// librdkafka's list of partitions, each with an offset.
@safe
struct TopicPartitionList: ~Copyable {
    private let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(capacity: Int) {
        unsafe self.pointer = rd_kafka_topic_partition_list_new(Int32(clamping: capacity))
    }

    deinit {
        unsafe rd_kafka_topic_partition_list_destroy(self.pointer)
    }

    var count: Int { unsafe Int(self.pointer.pointee.cnt) }

    mutating func append(_ partition: TopicPartition, offset: Int64) {
        guard let added = unsafe rd_kafka_topic_partition_list_add(self.pointer, partition.topic, partition.partition)
        else { preconditionFailure("librdkafka adds a partition to a list") }
        unsafe added.pointee.offset = offset
    }

    func offset(at index: Int) -> Int64 {
        precondition(index >= 0 && index < self.count, "a list has this partition")
        return unsafe self.pointer.pointee.elems[index].offset
    }

    /// What went wrong with one partition of it; nil: nothing.
    func failure(at index: Int) -> KafkaFailure? {
        precondition(index >= 0 && index < self.count, "a list has this partition")
        let code = unsafe self.pointer.pointee.elems[index].err
        return code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaFailure(code)
    }

    /// The first thing that went wrong with a partition of it.
    var firstFailure: KafkaFailure? {
        for index in 0..<self.count {
            if let failure = self.failure(at: index) { return failure }
        }
        return nil
    }

    func withPointer<Result>(_ body: (UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) -> Result) -> Result {
        unsafe body(self.pointer)
    }
}
