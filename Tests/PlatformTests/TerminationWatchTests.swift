import Environment
import Foundation
import Synchronization
import Testing

@testable import Platform

@Suite(.serialized) struct TerminationWatchTests {
    @Test func `signals reach the closure in order`() async throws {
        let (signals, continuation) = AsyncStream.makeStream(of: TerminationSignal.self, bufferingPolicy: .unbounded)
        let watch = try TerminationWatch { continuation.yield($0) }

        var iterator = signals.makeAsyncIterator()
        kill(getpid(), SIGINT)
        let first = await iterator.next()
        kill(getpid(), SIGTERM)
        let second = await iterator.next()

        #expect(first == .interrupt)
        #expect(second == .terminate)
        #expect([first?.exitCode, second?.exitCode] == [130, 143])
        withExtendedLifetime(watch) {}
    }

    @Test func `without the watch a signal means what it meant`() async {
        await #expect(processExitsWith: .signal(SIGTERM)) {
            var watch: TerminationWatch? = try TerminationWatch { _ in }
            withExtendedLifetime(watch) {}
            watch = nil
            kill(getpid(), SIGTERM)
            pause()
        }
    }
}
