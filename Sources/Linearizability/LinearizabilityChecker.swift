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
        for key in Set(history.map(\.key)).sorted() {
            let operations = history.filter { $0.key == key && !$0.saysNothing }
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
        var part = self.shortestFailingPrefix(operations)
        for value in Set(part.flatMap(\.values)).sorted() {
            // A value goes with everything that saw it: without its write, a read of it would be a failure of its own.
            let rest = part.filter { !$0.values.contains(value) }
            if rest.count < part.count && self.search(rest) == false { part = rest }
        }
        var index = 0
        while index < part.count {
            var rest = part
            let isWrite = !rest.remove(at: index).isRead
            if !isWrite && self.search(rest) == false { part = rest } else { index += 1 }
        }
        return part
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

extension HistoryOperation {
    fileprivate var isRead: Bool { if case .read = self.action { true } else { false } }

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

/// Tries the operations of one register in every order that respects their times, depth first.
private struct RegisterSearch {
    /// What was linearized, as a set, and the register's value: from the same pair, the same can follow.
    private struct Configuration: Hashable {
        var done: [UInt64]
        var value: UInt32
    }

    /// An invocation or a return, in a list from which both are lifted when an operation is linearized.
    private struct Node {
        let operation: Int
        let isReturn: Bool
        var previous: Int
        var next: Int
    }

    private let operations: [HistoryOperation]
    private var nodes: [Node] = []

    /// Of each operation, its return's node; 0 for one that is open, which has none.
    private var returnNodes: [Int] = []
    private var done: [UInt64]
    private var value: UInt32 = 0
    private var openCount: Int
    private var memory: Set<Configuration> = []
    private var stack: [(node: Int, value: UInt32)] = []

    init(_ operations: [HistoryOperation]) {
        self.operations = operations
        self.done = Array(repeating: 0, count: (operations.count + 63) / 64)
        self.returnNodes = Array(repeating: 0, count: operations.count)
        self.openCount = operations.count { $0.returnedAt != nil }
        var events: [(time: Int64, isReturn: Bool, operation: Int)] = []
        for (index, operation) in operations.enumerated() {
            events.append((operation.invokedAt, false, index))
            if let end = operation.returnedAt { events.append((end, true, index)) }
        }
        // At the same time, invocations come first: operations that touch count as concurrent.
        events.sort { left, right in
            if left.time != right.time { return left.time < right.time }
            if left.isReturn != right.isReturn { return !left.isReturn }
            return left.operation < right.operation
        }
        self.nodes = [Node(operation: -1, isReturn: false, previous: 0, next: events.isEmpty ? 0 : 1)]
        for (offset, event) in events.enumerated() {
            let position = offset + 1
            let next = position == events.count ? 0 : position + 1
            self.nodes.append(
                Node(operation: event.operation, isReturn: event.isReturn, previous: position - 1, next: next)
            )
            if event.isReturn { self.returnNodes[event.operation] = position }
        }
    }

    mutating func run(stepLimit: Int) -> Bool? {
        var node = self.nodes[0].next
        var steps = 0
        while self.openCount > 0 {
            steps += 1
            guard steps <= stepLimit else { return nil }
            if node == 0 || self.nodes[node].isReturn {
                // Something that has returned must come before everything that is left, and nothing fits: back.
                guard let last = self.stack.popLast() else { return false }
                self.restore(last.node)
                self.value = last.value
                node = self.nodes[last.node].next
                continue
            }
            let operation = self.nodes[node].operation
            if let next = self.operations[operation].action.applied(to: self.value), self.isNew(operation, next) {
                self.stack.append((node, self.value))
                self.value = next
                self.lift(node)
                node = self.nodes[0].next
            } else {
                node = self.nodes[node].next
            }
        }
        return true
    }

    private mutating func isNew(_ operation: Int, _ value: UInt32) -> Bool {
        var configuration = Configuration(done: self.done, value: value)
        configuration.done[operation / 64] |= 1 << UInt64(operation % 64)
        return self.memory.insert(configuration).inserted
    }

    private mutating func lift(_ node: Int) {
        let operation = self.nodes[node].operation
        self.done[operation / 64] |= 1 << UInt64(operation % 64)
        self.unlink(node)
        let end = self.returnNodes[operation]
        guard end != 0 else { return }
        self.unlink(end)
        self.openCount -= 1
    }

    private mutating func restore(_ node: Int) {
        let operation = self.nodes[node].operation
        self.done[operation / 64] &= ~(1 << UInt64(operation % 64))
        let end = self.returnNodes[operation]
        if end != 0 {
            self.link(end)
            self.openCount += 1
        }
        self.link(node)
    }

    private mutating func unlink(_ node: Int) {
        let (previous, next) = (self.nodes[node].previous, self.nodes[node].next)
        self.nodes[previous].next = next
        self.nodes[next].previous = previous
    }

    private mutating func link(_ node: Int) {
        let (previous, next) = (self.nodes[node].previous, self.nodes[node].next)
        self.nodes[previous].next = node
        self.nodes[next].previous = node
    }
}

extension HistoryOperation.Action {
    /// The register's value behind the operation; nil if it can't have come to its result there.
    fileprivate func applied(to value: UInt32) -> UInt32? {
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
