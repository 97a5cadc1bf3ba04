import CoreTypes
import Testing

@testable import Linearizability

/// Small histories that a seed draws, judged by trying every order.
@Suite struct RandomHistoryTests {
    private static func history(_ seed: UInt64) -> [HistoryOperation] {
        var random = SplitMix64(seed: seed)
        return (0..<random.next(in: 1..<7)).map { client in
            let value = UInt32(random.next(in: 0..<4))
            let expected = UInt32(random.next(in: 0..<3))
            let start = Int64(random.next(in: 0..<12))
            let isOpen = random.next(in: 0..<5) == 0
            let isDone = isOpen ? nil : random.next(in: 0..<2) == 0
            let action: HistoryOperation.Action =
                switch random.next(in: 0..<4) {
                case 0: .write(value)
                case 1: .compareAndSet(expected: expected, new: value, isDone: isDone)
                default: .read(isOpen ? nil : value)
                }
            let end = start + 1 + Int64(random.next(in: 0..<8))
            return HistoryOperation(
                client: client,
                key: 0,
                action: action,
                invokedAt: start,
                returnedAt: isOpen ? nil : end
            )
        }
    }

    /// Whether some order of what was answered, and of any of what wasn't, explains everything.
    private static func hasOrder(_ rest: [HistoryOperation], from value: UInt32) -> Bool {
        if rest.allSatisfy({ $0.returnedAt == nil }) { return true }
        for (index, operation) in rest.enumerated() {
            let isFirst = rest.allSatisfy { ($0.returnedAt ?? .max) >= operation.invokedAt }
            guard isFirst, let next = operation.action.applied(to: value) else { continue }
            var others = rest
            others.remove(at: index)
            if Self.hasOrder(others, from: next) { return true }
        }
        return false
    }

    @Test func `a history is linearizable if and only if one of all orders explains it`() {
        var counts = [false: 0, true: 0]
        for seed in 0..<UInt64(20_000) {
            let history = Self.history(seed)
            let expected = Self.hasOrder(history, from: 0)
            counts[expected, default: 0] += 1

            let verdict = LinearizabilityChecker().check(history)

            switch verdict {
            case .linearizable: #expect(expected, "seed \(seed)")
            case .notLinearizable(let part):
                #expect(!expected, "seed \(seed)")
                #expect(!Self.hasOrder(part, from: 0), "seed \(seed): the part that is shown has an order")
            case .unknown: Issue.record("seed \(seed): unknown")
            }
        }
        #expect(counts.values.allSatisfy { $0 > 2_000 })
    }

    /// Hundreds of clients whose writes were never answered, as behind a partition: nobody saw them.
    @Test func `writes that nobody saw cost nothing`() {
        let open = (0..<400).map { index in
            HistoryOperation(client: index, key: 0, action: .write(UInt32(1_000 + index)), invokedAt: Int64(index))
        }
        let stale = [
            HistoryOperation(client: 500, key: 0, action: .write(1), invokedAt: 1_000, returnedAt: 1_001),
            HistoryOperation(client: 500, key: 0, action: .write(2), invokedAt: 1_002, returnedAt: 1_003),
            HistoryOperation(client: 500, key: 0, action: .read(1), invokedAt: 1_004, returnedAt: 1_005),
        ]

        #expect(LinearizabilityChecker(stepLimit: 10_000).check(open + stale) == .notLinearizable(stale))
    }

    @Test func `a long history of many clients is judged in one pass`() {
        var history: [HistoryOperation] = []
        for round in 0..<Int64(2_000) {
            let value = UInt32(round + 1)
            let start = 10 * round
            history.append(
                HistoryOperation(client: 0, key: 0, action: .write(value), invokedAt: start, returnedAt: start + 8)
            )
            for client in 1..<8 {
                let seen = client < 4 ? value - 1 : value
                let begin = start + Int64(client)
                history.append(
                    HistoryOperation(
                        client: client,
                        key: 0,
                        action: .read(seen),
                        invokedAt: begin,
                        returnedAt: begin + 1
                    )
                )
            }
        }

        #expect(LinearizabilityChecker(stepLimit: 100_000).check(history) == .linearizable)
    }
}
