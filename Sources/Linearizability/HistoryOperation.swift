/// What a client asked of one register, and when it was told what.
///
/// Times are of any unit; only their order counts. Values are numbers, and 0 is "absent".
package struct HistoryOperation: Hashable, Sendable {
    package enum Action: Hashable, Sendable {
        /// Nil until it is known what was read.
        case read(UInt32?)
        case write(UInt32)
        /// `isDone` is nil until it is known.
        case compareAndSet(expected: UInt32, new: UInt32, isDone: Bool?)
    }

    package var client: Int
    package var key: Int
    package var action: Action
    package var invokedAt: Int64

    /// Nil: no answer ever came, and it may have taken effect at any time since, or never.
    package var returnedAt: Int64?

    package init(client: Int, key: Int, action: Action, invokedAt: Int64, returnedAt: Int64? = nil) {
        self.client = client
        self.key = key
        self.action = action
        self.invokedAt = invokedAt
        self.returnedAt = returnedAt
    }
}

extension HistoryOperation: CustomStringConvertible {
    package var description: String {
        let what =
            switch self.action {
            case .read(let value): "read \(value.map(String.init) ?? "?")"
            case .write(let value): "write \(value)"
            case .compareAndSet(let expected, let new, let isDone):
                "cas \(expected) \(new) \(isDone.map { $0 ? "done" : "refused" } ?? "?")"
            }
        let end = self.returnedAt.map(String.init) ?? "…"
        return "client \(self.client) key \(self.key) \(what) [\(self.invokedAt), \(end)]"
    }
}
