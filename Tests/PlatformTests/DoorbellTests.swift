import Testing

@testable import Platform

/// The clock of the machine is the subject here: lower bounds alone are demanded, which a slow machine meets too.
@Suite struct DoorbellTests {
    @Test func `a ring that nobody waited for ends the next wait, and that one alone`() {
        let bell = Doorbell()
        bell.ring()
        bell.ring()

        let first = Self.duration { bell.wait(milliseconds: 3_600_000) }
        let second = Self.duration { bell.wait(milliseconds: 20) }

        #expect(first < .seconds(3_000))
        #expect(second >= .milliseconds(20))
    }

    @Test(arguments: [0, -1, -5_000, Int64.min] as [Int64])
    func `no time to wait is over at once`(milliseconds: Int64) {
        let bell = Doorbell()

        #expect(Self.duration { bell.wait(milliseconds: milliseconds) } < .seconds(3_000))
    }

    @Test(arguments: [1, 30, 1_001] as [Int64])
    func `without a ring all of the time passes`(milliseconds: Int64) {
        let bell = Doorbell()

        #expect(Self.duration { bell.wait(milliseconds: milliseconds) } >= .milliseconds(milliseconds))
    }

    @Test(arguments: [3_600_000, Int64.max])
    func `a ring from another thread ends a long wait`(milliseconds: Int64) throws {
        let (mine, other) = (Doorbell(), Doorbell())
        let threads = try PinnedThreads(count: 1, name: "weir-test") { _ in
            // Until the test is about to wait.
            other.wait()
            mine.ring()
        }

        let waited = Self.duration {
            other.ring()
            mine.wait(milliseconds: milliseconds)
        }
        threads.join()

        #expect(waited < .seconds(3_000))
    }
}

extension DoorbellTests {
    private static func duration(_ body: () -> Void) -> Duration {
        ContinuousClock().measure(body)
    }
}
