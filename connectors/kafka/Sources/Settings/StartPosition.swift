internal import ConnectorKit

/// Where a job that never read a topic begins.
enum StartPosition: Hashable, Sendable {
    case earliest
    case latest
    /// Where the group has come to; a partition that it knows nothing about, at its beginning.
    case committed
    /// At the first record of this time or later, in milliseconds since 1970.
    case time(Int64)

    static let option = OptionDeclaration(
        "from",
        .either([
            .word(["earliest", "latest", "committed"]),
            .integer(0...Int64.max, noun: "a time in ms since 1970"),
        ])
    )

    /// The group whose positions are meant.
    static let groupNeed = SettingNeed(
        "group",
        defaults: ["kafka.group.id"],
        predicate: "begins where a group has come to, :from 'committed, and names none",
        help: "give it the :group whose positions are meant, or run with -D kafka.group.id=name"
    ) { call in
        guard case .some(.string("committed")) = call.options["from"] else { return false }
        return true
    }

    /// - Throws: The option `:from` needs a group that isn't named.
    init(_ call: ConnectorSettings, group: String?) throws(ConnectorError) {
        switch call.options["from"] {
        case .string("latest"):
            self = .latest
        case .string("committed"):
            guard group != nil else { throw call.error(":from 'committed needs the :group whose positions are meant") }
            self = .committed
        case .integer(let time):
            self = .time(time)
        default:
            self = .earliest
        }
    }
}
