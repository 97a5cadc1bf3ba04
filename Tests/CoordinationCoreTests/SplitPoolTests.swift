import CoreTypes
import Testing

@testable import CoordinationCore

struct SplitPoolTests {
    @Test func `the largest split goes first and alone`() {
        var pool = SplitPool.make(weights: [1, 100 << 20, 2], order: .largestFirst)

        let group = pool.take(for: .make(0, 0), readerCount: 1, configuration: CoordinationConfiguration())

        #expect(group == [.make(1)])
    }

    @Test func `splits keep the order of enumeration where that is wanted`() {
        var pool = SplitPool.make(weights: [1, 3, 2], order: .enumeration)

        let groups = (0..<4).map { _ in
            pool.take(for: .make(0, 0), readerCount: 1, configuration: CoordinationConfiguration())
        }

        #expect(groups == [[.make(0)], [.make(1)], [.make(2)], []])
    }

    @Test func `small splits come in groups bounded by their count`() {
        var pool = SplitPool.make(weights: Array(repeating: 1, count: 1000), order: .enumeration)

        let group = pool.take(for: .make(0, 0), readerCount: 2, configuration: CoordinationConfiguration())

        #expect(group == (0..<64).map { .make($0) })
    }

    @Test func `small splits come in groups bounded by their weight`() {
        var pool = SplitPool.make(weights: Array(repeating: 1 << 20, count: 1000), order: .enumeration)

        let group = pool.take(for: .make(0, 0), readerCount: 2, configuration: CoordinationConfiguration())

        #expect(group.count == 8)
    }

    @Test func `a few small splits are shared among readers`() {
        var pool = SplitPool.make(weights: Array(repeating: 1, count: 8), order: .enumeration)

        let group = pool.take(for: .make(0, 0), readerCount: 4, configuration: CoordinationConfiguration())

        #expect(group.count == 1)
    }

    @Test func `thousands of small splits cost few requests`() {
        var pool = SplitPool.make(weights: Array(repeating: 1000, count: 10_000), order: .largestFirst)

        var requestCount = 0
        while !pool.take(for: .make(0, 0), readerCount: 2, configuration: CoordinationConfiguration()).isEmpty {
            requestCount += 1
        }

        #expect(requestCount < 200)
    }

    @Test func `splits without weight are handed out too`() {
        var pool = SplitPool.make(weights: [0, 0], order: .largestFirst)

        let groups = (0..<3).map { _ in
            pool.take(for: .make(0, 0), readerCount: 1, configuration: CoordinationConfiguration())
        }

        #expect(groups == [[.make(0)], [.make(1)], []])
    }

    @Test func `what is taken back is handed out again`() {
        var pool = SplitPool.make(weights: [2, 1], order: .largestFirst)
        let configuration = CoordinationConfiguration()
        _ = pool.take(for: .make(0, 0), readerCount: 1, configuration: configuration)
        _ = pool.finish(.make(0), by: .make(0, 0))

        pool.takeBack(from: [SubtaskAttempt.make(0, 0).subtask])

        #expect(pool.finishedCount == 0)
        #expect(pool.take(for: .make(0, 1), readerCount: 1, configuration: configuration) == [.make(0)])
    }

    @Test func `a second report of one split changes nothing`() {
        var pool = SplitPool.make(weights: [2], order: .largestFirst)
        _ = pool.take(for: .make(0, 0), readerCount: 1, configuration: CoordinationConfiguration())
        _ = pool.finish(.make(0), by: .make(0, 0))

        let isFirst = pool.finish(.make(0), by: .make(0, 0))

        #expect(!isFirst)
        #expect(pool.finishedCount == 1)
    }
}

extension SplitPool {
    fileprivate static func make(weights: [Int64], order: CoordinationConfiguration.SplitOrder) -> SplitPool {
        SplitPool(SplitDescriptor.make(weights: weights), order: order)
    }
}
