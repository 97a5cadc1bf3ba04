import CoreTypes

/// Tries the operations of one register in every order that respects their times, depth first.
struct RegisterSearch {
    /// Random bits for each operation; those of a set of operations, combined, stand for the set.
    ///
    /// That two of the millions of sets of a search have the same 128 bits is less likely than a fault of the memory.
    private struct Fingerprint: Hashable {
        var low: UInt64 = 0
        var high: UInt64 = 0

        static func ^ (left: Self, right: Self) -> Self {
            Self(low: left.low ^ right.low, high: left.high ^ right.high)
        }
    }

    /// What was linearized, and the register's value: from the same pair, the same can follow.
    private struct Configuration: Hashable {
        var done: Fingerprint
        var value: UInt32
    }

    /// What was linearized last, and what to go back to.
    private struct Choice {
        var node: Int
        var value: UInt32

        /// It changes nothing wherever it comes: if it can come first and what follows fails, so does everything else.
        var isForced: Bool
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
    /// Of an operation without an answer, one like it that began before and has none either: which of them comes first
    /// makes no difference, so it is that one.
    private let twins: [Int?]
    private var isLinearized: [Bool]
    private let fingerprints: [Fingerprint]
    private var done = Fingerprint()
    private var value: UInt32 = 0

    /// Operations that have returned and aren't linearized.
    private var openCount: Int
    private var memory: Set<Configuration> = []
    private var stack: [Choice] = []

    init(_ operations: [HistoryOperation]) {
        self.operations = operations
        self.twins = Self.twins(operations)
        self.isLinearized = Array(repeating: false, count: operations.count)
        var random = SplitMix64(seed: UInt64(operations.count))
        self.fingerprints = operations.map { _ in Fingerprint(low: random.next(), high: random.next()) }
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

    private static func twins(_ operations: [HistoryOperation]) -> [Int?] {
        var twins: [Int?] = Array(repeating: nil, count: operations.count)
        var last: [HistoryOperation.Action: Int] = [:]
        let byBeginning = operations.indices.sorted {
            (operations[$0].invokedAt, $0) < (operations[$1].invokedAt, $1)
        }
        for index in byBeginning where operations[index].returnedAt == nil {
            twins[index] = last.updateValue(index, forKey: operations[index].action)
        }
        return twins
    }

    /// Whether there is an order; nil when that isn't known after so many steps.
    mutating func run(stepLimit: Int) -> Bool? {
        var node = self.nodes[0].next
        var steps = 0
        while self.openCount > 0 {
            steps += 1
            guard steps <= stepLimit else { return nil }
            if node == 0 || self.nodes[node].isReturn {
                // Something that has returned must come before everything that is left, and nothing fits: back.
                guard let next = self.goBack() else { return false }
                node = next
                continue
            }
            let operation = self.nodes[node].operation
            let mayCome = self.twins[operation].map { self.isLinearized[$0] } ?? true
            if mayCome, let next = self.operations[operation].action.applied(to: self.value),
                self.isNew(operation, next)
            {
                let isForced = self.operations[operation].action.changesNothing
                self.stack.append(Choice(node: node, value: self.value, isForced: isForced))
                self.value = next
                self.lift(node)
                node = self.nodes[0].next
            } else {
                node = self.nodes[node].next
            }
        }
        return true
    }

    /// Takes the last choice back that had an alternative, and returns where to look for one; nil if none had.
    private mutating func goBack() -> Int? {
        while let last = self.stack.popLast() {
            self.restore(last.node)
            self.value = last.value
            if !last.isForced { return self.nodes[last.node].next }
        }
        return nil
    }

    private mutating func isNew(_ operation: Int, _ value: UInt32) -> Bool {
        self.memory.insert(Configuration(done: self.done ^ self.fingerprints[operation], value: value)).inserted
    }

    private mutating func lift(_ node: Int) {
        let operation = self.nodes[node].operation
        self.isLinearized[operation] = true
        self.done = self.done ^ self.fingerprints[operation]
        self.unlink(node)
        let end = self.returnNodes[operation]
        guard end != 0 else { return }
        self.unlink(end)
        self.openCount -= 1
    }

    private mutating func restore(_ node: Int) {
        let operation = self.nodes[node].operation
        self.isLinearized[operation] = false
        self.done = self.done ^ self.fingerprints[operation]
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
