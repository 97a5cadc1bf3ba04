import CRdkafka
import ConnectorKit
import Testing

@testable import KafkaConnector

/// What programs may write, without any broker.
@Suite struct KafkaSettingsTests {
    private static let brokers: [String: SettingValue] = ["brokers": .string("b:9092")]

    @Test func `calls of other connectors are left to them`() throws {
        let call = ConnectorSettings(name: "distributed-files", arguments: [.string("x")], options: [:])

        #expect(try KafkaConnector(defaults: [:]).makeSource(call) == nil)
        #expect(try KafkaConnector(defaults: [:]).makeSink(call) == nil)
    }

    @Test(arguments: ["kafka-topic", "kafka-stream"])
    func `both names read and write`(name: String) throws {
        let call = ConnectorSettings(name: name, arguments: [.string("clicks")], options: Self.brokers)

        #expect(try KafkaConnector(defaults: [:]).makeSource(call)?.summary == "Kafka topic clicks")
        let sink = try KafkaConnector(defaults: [:]).makeSink(call)
        #expect(sink?.summary == "Kafka topic clicks")
        #expect(sink is any ExactlyOnceSink)
    }

    @Test func `brokers are taken from the call, then from the defaults`() throws {
        let defaults = ["kafka.brokers": "default:1", "kafka.bootstrap.servers": "other:2"]

        #expect(try Self.source([:], defaults).configuration.brokers == "default:1")
        #expect(try Self.source(Self.brokers, defaults).configuration.brokers == "b:9092")
        let list = SettingValue.list([.string("a:1"), .string("b:2")])
        #expect(try Self.source(["brokers": list], defaults).configuration.brokers == "a:1,b:2")
        #expect(try Self.source([:], ["kafka.bootstrap.servers": "s:1"]).configuration.brokers == "s:1")
    }

    @Test func `no brokers is an error that says how to name them`() {
        let error = #expect(throws: ConnectorError.self) { try Self.source([:], ["brokers": "ignored:1"]) }

        #expect(error?.message.contains("-D kafka.brokers=host:port") == true)
        #expect(error?.domain == .user)
    }

    @Test func `properties of the call win over the defaults, and what Weir needs over both`() throws {
        let properties: [String: SettingValue] = ["linger.ms": .integer(20), "client.id": .string("mine")]
        let source = try Self.source(
            ["brokers": .string("b:1"), "properties": .map(properties)],
            ["kafka.linger.ms": "10", "kafka.compression.type": "zstd"]
        )

        let all = source.configuration.properties(preset: ["linger.ms": "5"], required: ["client.id": "weir"])

        let expected = ["bootstrap.servers": "b:1", "client.id": "weir", "compression.type": "zstd", "linger.ms": "20"]
        #expect(Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0.value) }) == expected)
        #expect(all.map(\.name) == all.map(\.name).sorted())
    }

    @Test func `a group comes from the call or the defaults`() throws {
        let named = try Self.source(["brokers": .string("b:1"), "group": .string("g")], ["kafka.group.id": "d"])
        let defaulted = try Self.source(Self.brokers, ["kafka.group.id": "d"])

        #expect(named.configuration.group == "g")
        #expect(defaulted.configuration.group == "d")
        #expect(try Self.source(Self.brokers).configuration.group == nil)
    }

    @Test(arguments: [
        ("enable.auto.commit", "in its checkpoints"), ("transactional.id", "fences the old one"),
        ("enable.idempotence", "never doubled"), ("acks", "all replicas"), ("auto.offset.reset", ":from"),
        ("bootstrap.servers", ":brokers"), ("group.id", ":group"), ("plugin.library.paths", "other code"),
        ("sasl.kerberos.kinit.cmd", "other code"), ("dr_msg_cb", "call librdkafka"),
        ("group.instance.id", "share the partitions out"),
    ])
    func `a property that guarantees need is refused with the reason`(name: String, reason: String) {
        let error = #expect(throws: ConnectorError.self) {
            try Self.source(["brokers": .string("b:1"), "properties": .map([name: .string("1")])])
        }

        #expect(error?.message.contains("\"\(name)\" in :properties can't be set: ") == true)
        #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
    }

    @Test(arguments: [
        ("compresion.type", SettingValue.string("zstd"), "did you mean \"compression.type\"?"),
        ("zzzz", .integer(1), "is no property of librdkafka"),
        ("linger.ms", .string("soon"), "\"linger.ms\" in :properties: "),
        ("linger.ms", .list([]), "must be a string, a number, true or false"),
    ])
    func `a property that isn't one, or has a wrong value, is named`(name: String, value: SettingValue, part: String) {
        let error = #expect(throws: ConnectorError.self) {
            try Self.source(["brokers": .string("b:1"), "properties": .map([name: value])])
        }

        #expect(error?.message.contains(part) == true, "\(String(describing: error))")
    }

    @Test func `a wrong default is named as one`() {
        let error = #expect(throws: ConnectorError.self) { try Self.source(Self.brokers, ["kafka.sasl.pasword": "x"]) }

        #expect(error?.message.contains("the default kafka.sasl.pasword is no property") == true)
        #expect(error?.message.contains("did you mean \"sasl.password\"?") == true)
    }

    @Test func `no secret is in a description, a summary or what reflection finds`() throws {
        let secret = "correct-horse"
        let properties: [String: SettingValue] = [
            "sasl.password": .string(secret), "ssl.key.password": .string(secret),
            "ssl.keystore.password": .string(secret), "sasl.oauthbearer.config": .string(secret),
            "ssl.key.pem": .string(secret),
        ]
        let options: [String: SettingValue] = ["brokers": .string("b:1"), "properties": .map(properties)]
        let connector = KafkaConnector(defaults: ["kafka.sasl.password": secret])
        let call = ConnectorSettings(name: "kafka-topic", arguments: [.string("clicks")], options: options)
        let source = try #require(try connector.makeSource(call))
        let sink = try #require(try connector.makeSink(call))

        for value in [connector, source, sink] as [Any] {
            var dumped = ""
            dump(value, to: &dumped)
            #expect(!(dumped + "\(value)" + String(reflecting: value)).contains(secret))
        }
        #expect(!(source.summary + sink.summary).contains(secret))
    }

    @Test func `no secret is in an error, whoever quotes it`() throws {
        let options: [String: SettingValue] = [
            "brokers": .string("b:1"), "properties": .map(["sasl.password": .string("correct-horse")]),
        ]
        let configuration = try Self.source(options).configuration
        let failure = KafkaFailure(RD_KAFKA_RESP_ERR__AUTHENTICATION, detail: "user x with correct-horse refused")

        let error = failure.error("log in", configuration)

        #expect(error.message.contains("user x with … refused"))
        #expect(!error.message.contains("correct-horse"))
    }

    @Test func `a secret with a wrong form isn't quoted`() {
        let properties: [String: SettingValue] = [
            "ssl.key.pem": .string("correct-horse"), "security.protocol": .string("ssl"),
        ]

        let error = #expect(throws: ConnectorError.self) {
            let source = try Self.source(["brokers": .string("b:1"), "properties": .map(properties)])
            _ = try source.makeStreamReader {}
            Issue.record("a key that isn't one was accepted")
        }

        #expect(error?.message.contains("correct-horse") == false, "\(String(describing: error))")
    }

    @Test(arguments: [
        (SettingValue.string("earliest"), StartPosition.earliest), (.string("latest"), .latest),
        (.string("committed"), .committed), (.integer(1_700_000_000_000), .time(1_700_000_000_000)), (.nil, .earliest),
    ])
    func `a start is a word or a time`(value: SettingValue, start: StartPosition) throws {
        #expect(try Self.source(["brokers": .string("b:1"), "group": .string("g"), "from": value]).start == start)
    }

    @Test(arguments: [SettingValue.string("beginning"), .integer(-1), .boolean(true)])
    func `any other start is refused`(value: SettingValue) {
        let error = #expect(throws: ConnectorError.self) {
            try Self.source(["brokers": .string("b:1"), "from": value])
        }

        #expect(error?.message.contains("must be one of 'earliest, 'latest, 'committed, or a time") == true)
    }

    @Test func `committed needs a group`() {
        let options: [String: SettingValue] = ["brokers": .string("b:1"), "from": .string("committed")]

        let error = #expect(throws: ConnectorError.self) { try Self.source(options) }

        #expect(error?.message.contains("needs the :group") == true)
    }

    @Test(arguments: ["click stream", "events-.*", "a/b", "..", String(repeating: "x", count: 250)])
    func `a name that no topic can have is refused`(name: String) {
        let error = #expect(throws: ConnectorError.self) { try Self.source(Self.brokers, topics: [name]) }

        #expect(error?.message.contains("no topic is called so") == true)
    }

    @Test func `a topic that is named twice is refused`() {
        #expect(throws: ConnectorError.self) { try Self.source(Self.brokers, topics: ["a", "a"]) }
    }

    @Test(arguments: [
        ("a|ab", "ab", true), ("events", "my-events", false), ("events", "events2", false),
        ("events.*", "events2", true), (".*", "__consumer_offsets", false), ("__.*", "__consumer_offsets", true),
    ])
    func `a pattern matches whole names`(pattern: String, name: String, isMatch: Bool) throws {
        #expect(try TopicPattern(pattern).matches(name) == isMatch)
    }

    @Test func `a pattern that isn't one, or never ends, is refused`() throws {
        #expect(throws: ConnectorError.self) { try TopicPattern("a(") }
        let endless = try TopicPattern("(a|aa)+(a|aa)+[bc]")
        #expect(throws: ConnectorError.self) { try endless.matches(String(repeating: "a", count: 200)) }
    }

    @Test func `a sink takes one topic and no options of a source`() {
        let connector = KafkaConnector(defaults: [:])
        let two = ConnectorSettings(
            name: "kafka-topic",
            arguments: [.string("a"), .string("b")],
            options: Self.brokers
        )
        var options = Self.brokers
        options["from"] = .string("latest")
        let from = ConnectorSettings(name: "kafka-topic", arguments: [.string("a")], options: options)

        #expect(throws: ConnectorError.self) { try connector.makeSink(two) }
        #expect(throws: ConnectorError.self) { try connector.makeSink(from) }
    }

    @Test func `a job that ends can neither read nor write a topic`() throws {
        let source = try Self.source(Self.brokers)
        let sink = try KafkaSink.make("clicks", brokers: "b:1")

        let read = #expect(throws: ConnectorError.self) {
            try source.enumerateSplits(framing: .stream, targetBytes: 1)
        }
        let written = #expect(throws: ConnectorError.self) { try sink.prepare() }

        #expect(read?.message.contains("define-streaming-job") == true)
        #expect(written?.message.contains("define-streaming-job") == true)
    }

    @Test func `what the program says about exactly once is known`() throws {
        let asked = try KafkaSink.make("t", brokers: "b:1", options: ["exactly-once": .boolean(false)])

        #expect(asked.wantsExactlyOnce == false)
        #expect(try KafkaSink.make("t", brokers: "b:1").wantsExactlyOnce == nil)
    }

    private static func source(
        _ options: [String: SettingValue],
        _ defaults: [String: String] = [:],
        topics: [String] = ["clicks"]
    ) throws -> KafkaSource {
        let call = ConnectorSettings(name: "kafka-topic", arguments: topics.map { .string($0) }, options: options)
        return try #require(try KafkaConnector(defaults: defaults).makeSource(call) as? KafkaSource)
    }
}
