internal import ConnectorKit

/// Where a job that never read a topic begins.
enum StartPosition: Hashable, Sendable {
    case earliest
    case latest
    /// Where the group has come to; a partition that it knows nothing about, at its beginning.
    case committed
    /// At the first record of this time or later, in milliseconds since 1970.
    case time(Int64)

    /// - Throws: The option `:from` isn't one of these, or needs a group that isn't named.
    init(_ call: ConnectorSettings, group: String?) throws(ConnectorError) {
        switch call.options["from"] {
        case nil, .nil, .string("earliest"):
            self = .earliest
        case .string("latest"):
            self = .latest
        case .string("committed"):
            guard group != nil else { throw call.error(":from 'committed needs the :group whose positions are meant") }
            self = .committed
        case .integer(let time) where time >= 0:
            self = .time(time)
        default:
            throw call.error("option :from must be 'earliest, 'latest, 'committed, or a time in ms since 1970")
        }
    }
}
