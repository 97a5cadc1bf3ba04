import Testing

@testable import Linearizability

/// Histories whose verdict is known.
@Suite struct LinearizabilityTests {
    private typealias Operation = HistoryOperation

    private static func write(_ value: UInt32, _ start: Int64, _ end: Int64?, key: Int = 0) -> Operation {
        Operation(client: Int(value), key: key, action: .write(value), invokedAt: start, returnedAt: end)
    }

    private static func read(_ value: UInt32, _ start: Int64, _ end: Int64, key: Int = 0) -> Operation {
        Operation(client: 9, key: key, action: .read(value), invokedAt: start, returnedAt: end)
    }

    private static func compareAndSet(
        _ expected: UInt32,
        _ new: UInt32,
        _ isDone: Bool?,
        _ start: Int64,
        _ end: Int64?
    ) -> Operation {
        let action = Operation.Action.compareAndSet(expected: expected, new: new, isDone: isDone)
        return Operation(client: 8, key: 0, action: action, invokedAt: start, returnedAt: end)
    }

    private func verdict(_ history: [HistoryOperation]) -> LinearizabilityVerdict {
        LinearizabilityChecker().check(history)
    }

    @Test func `what happens one after the other is in order`() {
        #expect(self.verdict([]) == .linearizable)
        #expect(self.verdict([Self.read(0, 0, 1), Self.write(1, 2, 3), Self.read(1, 4, 5)]) == .linearizable)
    }

    @Test func `concurrent operations may come in either order`() {
        let writes = [Self.write(1, 0, 10), Self.write(2, 0, 10)]

        #expect(self.verdict(writes + [Self.read(1, 11, 12)]) == .linearizable)
        #expect(self.verdict(writes + [Self.read(2, 11, 12)]) == .linearizable)
        #expect(self.verdict(writes + [Self.read(1, 5, 6), Self.read(2, 7, 8)]) == .linearizable)
    }

    @Test func `a stale read is found, and only what is needed for it is reported`() {
        let stale = [Self.write(1, 0, 1), Self.write(2, 2, 3), Self.read(1, 4, 5)]
        let noise = [Self.write(3, 10, 11), Self.read(3, 12, 13), Self.write(4, 0, 9, key: 1)]

        #expect(self.verdict(stale + noise) == .notLinearizable(stale))
    }

    @Test func `a value that nobody wrote is found`() {
        let phantom = Self.read(7, 0, 1)

        #expect(self.verdict([phantom, Self.write(1, 2, 3)]) == .notLinearizable([phantom]))
    }

    @Test func `a lost acknowledged write is found`() {
        #expect(self.verdict([Self.write(1, 0, 1), Self.read(0, 2, 3)]) != .linearizable)
    }

    @Test func `reads don't go back`() {
        let write = Self.write(1, 0, 100)

        #expect(self.verdict([write, Self.read(0, 1, 2), Self.read(1, 3, 4)]) == .linearizable)
        #expect(self.verdict([write, Self.read(1, 1, 2), Self.read(0, 3, 4)]) != .linearizable)
    }

    @Test func `an operation without an answer may take effect late, or never`() {
        let open = Self.write(1, 0, nil)

        #expect(self.verdict([open, Self.read(0, 5, 6), Self.read(1, 50, 60)]) == .linearizable)
        #expect(self.verdict([open, Self.read(0, 5, 6)]) == .linearizable)
        // But it takes effect once.
        let history = [open, Self.read(1, 5, 6), Self.write(2, 7, 8), Self.read(1, 9, 10)]
        #expect(self.verdict(history) != .linearizable)
    }

    @Test func `a compare-and-set is done only where it found what it expected`() {
        let write = Self.write(1, 0, 1)

        #expect(self.verdict([write, Self.compareAndSet(1, 2, true, 2, 3), Self.read(2, 4, 5)]) == .linearizable)
        #expect(self.verdict([write, Self.compareAndSet(1, 2, false, 2, 3)]) != .linearizable)
        #expect(self.verdict([write, Self.compareAndSet(3, 2, true, 2, 3)]) != .linearizable)
        #expect(self.verdict([write, Self.compareAndSet(1, 2, nil, 2, nil), Self.read(2, 4, 5)]) == .linearizable)
    }

    @Test func `keys are judged apart`() {
        let history = [Self.write(1, 0, 1, key: 0), Self.read(0, 2, 3, key: 1)]

        #expect(self.verdict(history) == .linearizable)
    }

    @Test func `a search that takes too long says that it doesn't know`() {
        let writes = (1...12).map { Self.write(UInt32($0), 0, 100) }
        let history = writes + [Self.read(0, 101, 102)]

        #expect(LinearizabilityChecker(stepLimit: 1_000).check(history) == .unknown)
        #expect(self.verdict(history) != .linearizable)
    }
}
