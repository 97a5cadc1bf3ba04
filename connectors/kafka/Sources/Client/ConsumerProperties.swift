/// Properties that consumers get from Weir.
enum ConsumerProperties {
    /// What the group is called where none is asked for; positions are never stored in it.
    static let unnamedGroup = "weir"

    /// May be set to something else.
    static let preset: [String: String] = {
        var properties = [
            "client.id": "weir",
            "isolation.level": "read_committed",
            "check.crcs": "true",
            "queued.max.messages.kbytes": "65536",
            "queued.min.messages": "1000000",
        ]
        // A queue that was full is looked at again after a second by libraries that don't know this property.
        let pause = (name: "fetch.queue.backoff.ms", value: "10")
        if NativeConfiguration.verdict(on: pause.name, pause.value) == .accepted {
            properties[pause.name] = pause.value
        }
        return properties
    }()

    /// Of a client that asks about topics; for the positions of a group it needs its name.
    static func observer(group: String?) -> [String: String] {
        var properties = ["enable.auto.commit": "false", "allow.auto.create.topics": "false"]
        properties["group.id"] = group
        return properties
    }

    /// Of a client that reads messages from positions that it is given, and never moves by itself.
    static func reader(group: String?) -> [String: String] {
        [
            "group.id": group ?? self.unnamedGroup,
            "enable.auto.commit": "false",
            "enable.auto.offset.store": "false",
            "enable.partition.eof": "true",
            "auto.offset.reset": "error",
        ]
    }
}
