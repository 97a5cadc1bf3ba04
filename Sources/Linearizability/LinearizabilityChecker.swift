/// Whether the operations of a history can be put in an order that a single register would show.
package enum LinearizabilityVerdict: Hashable, Sendable {
    case linearizable
    /// The smallest part that was found which can't be ordered either; all of one key.
    case notLinearizable([HistoryOperation])
    /// The search was given up at its budget.
    case unknown
}

/// Searches for a linearization, one key at a time, as linearizability is local.
///
/// Source: Wing, Gong, "Testing and Verifying Concurrent Objects", 1993; Lowe, "Testing for Linearizability", 2017 (the
/// memory of what was tried); Herlihy, Wing, 1990 (locality).
package struct LinearizabilityChecker: Sendable {
    /// Steps of the search of one key.
    package var stepLimit: Int

    package init(stepLimit: Int = 2_000_000) {
        self.stepLimit = stepLimit
    }

    package func check(_ history: [HistoryOperation]) -> LinearizabilityVerdict {
        var isUnknown = false
        let byKey = Dictionary(grouping: history.lazy.filter { !$0.saysNothing }, by: \.key)
        for (_, recorded) in byKey.sorted(by: { $0.key < $1.key }) {
            if let phantom = recorded.phantom { return .notLinearizable([phantom]) }
            let operations = recorded.withoutUnseen
            switch self.search(operations) {
            case true: continue
            case false: return .notLinearizable(self.reduced(operations))
            case nil: isUnknown = true
            }
        }
        return isUnknown ? .unknown : .linearizable
    }

    // MARK: The search

    /// Whether there is an order; nil when the budget is used up before that is known.
    private func search(_ operations: [HistoryOperation]) -> Bool? {
        var search = RegisterSearch(operations)
        return search.run(stepLimit: self.stepLimit)
    }

    // MARK: The smallest part

    /// Leaves out what isn't needed for the failure: what came later, and then values that nobody needs.
    private func reduced(_ operations: [HistoryOperation]) -> [HistoryOperation] {
        let part = self.withoutValues(self.shortestFailingPrefix(operations))
        var index = 0
        var smallest = part
        while index < smallest.count {
            var rest = smallest
            let isRead = rest.remove(at: index).isRead
            if isRead && self.search(rest) == false { smallest = rest } else { index += 1 }
        }
        return smallest
    }

    /// Without as many values as possible, halves of them first, then smaller shares.
    ///
    /// A value goes with everything that wrote it or saw it: without its write, a read of it would be a failure of its own.
    private func withoutValues(_ operations: [HistoryOperation]) -> [HistoryOperation] {
        var part = operations
        var values = Set(part.flatMap(\.values)).sorted()
        var share = max(1, values.count / 2)
        while true {
            var start = 0
            while start < values.count {
                let end = min(start + share, values.count)
                let dropped = Set(values[start..<end])
                let rest = part.filter { !$0.values.contains { dropped.contains($0) } }
                let isSmaller = rest.count < part.count && rest.hasWriters(of: part) && self.search(rest) == false
                guard isSmaller else {
                    start = end
                    continue
                }
                part = rest
                values.removeSubrange(start..<end)
            }
            guard share > 1 else { return part }
            share = max(1, share / 2)
        }
    }

    /// What was returned by the first moment at which the history can't be ordered; what returned later is open then.
    private func shortestFailingPrefix(_ operations: [HistoryOperation]) -> [HistoryOperation] {
        let ends = operations.compactMap(\.returnedAt).sorted()
        var low = 0
        var high = ends.count - 1
        while low < high {
            let middle = (low + high) / 2
            if self.search(operations.asOf(ends[middle])) == false { high = middle } else { low = middle + 1 }
        }
        guard ends.indices.contains(low) else { return operations }
        let prefix = operations.asOf(ends[low])
        return self.search(prefix) == false ? prefix : operations
    }
}

extension [HistoryOperation] {
    /// What was known at a time: operations that began later aren't there, and those that ended later are open.
    fileprivate func asOf(_ time: Int64) -> [HistoryOperation] {
        self.compactMap { operation in
            guard operation.invokedAt <= time else { return nil }
            guard let end = operation.returnedAt, end > time else { return operation }
            var open = operation
            open.returnedAt = nil
            switch operation.action {
            case .read: return nil
            case .write: break
            case .compareAndSet(let expected, let new, _):
                open.action = .compareAndSet(expected: expected, new: new, isDone: nil)
            }
            return open
        }
    }
}

extension [HistoryOperation] {
    /// An operation that saw a value before anybody can have written it.
    fileprivate var phantom: HistoryOperation? {
        var writtenAt: [UInt32: Int64] = [:]
        for operation in self {
            guard let value = operation.written else { continue }
            writtenAt[value] = Swift.min(writtenAt[value] ?? .max, operation.invokedAt)
        }
        return self.first { operation in
            guard let value = operation.observed, value != 0, let end = operation.returnedAt else { return false }
            return writtenAt[value].map { $0 > end } ?? true
        }
    }

    /// Whether whatever is seen here and was written by one of `others` is written by one of these.
    fileprivate func hasWriters(of others: [HistoryOperation]) -> Bool {
        let written = Set(self.compactMap(\.written))
        let missing = Set(others.compactMap(\.written)).subtracting(written)
        return self.allSatisfy { operation in operation.observed.map { !missing.contains($0) } ?? true }
    }

    /// Without writes that were never answered and whose value nobody saw or asked for: they may as well not have happened.
    ///
    /// Unless a compare-and-set was refused, as what refused it can't be told.
    fileprivate var withoutUnseen: [HistoryOperation] {
        var seen: Set<UInt32> = []
        for operation in self {
            switch operation.action {
            case .read(let value): seen.insert(value ?? 0)
            case .write: break
            case .compareAndSet(_, _, isDone: false): return self
            case .compareAndSet(let expected, _, _): seen.insert(expected)
            }
        }
        return self.filter { operation in
            guard operation.returnedAt == nil else { return true }
            return switch operation.action {
            case .read: true
            case .write(let value), .compareAndSet(_, let value, _): seen.contains(value)
            }
        }
    }
}

extension HistoryOperation {
    fileprivate var isRead: Bool { if case .read = self.action { true } else { false } }

    /// What it wrote, or may have.
    fileprivate var written: UInt32? {
        switch self.action {
        case .read, .compareAndSet(_, _, isDone: false): nil
        case .write(let value), .compareAndSet(_, let value, _): value
        }
    }

    /// What it certainly saw.
    fileprivate var observed: UInt32? {
        switch self.action {
        case .read(let value): value
        case .write, .compareAndSet(_, _, isDone: false), .compareAndSet(_, _, isDone: nil): nil
        case .compareAndSet(let expected, _, isDone: true): expected
        }
    }

    /// An operation without an answer that changes nothing.
    fileprivate var saysNothing: Bool {
        switch self.action {
        case .read(let value): value == nil || self.returnedAt == nil
        case .write, .compareAndSet: false
        }
    }

    /// The values it saw or wrote, but for "absent".
    fileprivate var values: [UInt32] {
        switch self.action {
        case .read(let value): [value ?? 0].filter { $0 != 0 }
        case .write(let value): [value]
        case .compareAndSet(let expected, let new, _): [expected, new].filter { $0 != 0 }
        }
    }
}

extension HistoryOperation.Action {
    /// Whatever the register's value is, it is the same behind the operation.
    var changesNothing: Bool {
        switch self {
        case .read: true
        case .write: false
        case .compareAndSet(let expected, let new, let isDone): isDone == false || expected == new
        }
    }

    /// The register's value behind the operation; nil if it can't have come to its result there.
    func applied(to value: UInt32) -> UInt32? {
        switch self {
        case .read(let seen): return seen == nil || seen == value ? value : nil
        case .write(let new): return new
        case .compareAndSet(let expected, let new, let isDone):
            let fits = expected == value
            guard isDone == nil || isDone == fits else { return nil }
            return fits ? new : value
        }
    }
}
