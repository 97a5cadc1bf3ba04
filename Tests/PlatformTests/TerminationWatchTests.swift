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

    @Test func `signals come through that the parent process had blocked`() async {
        await #expect(processExitsWith: .exitCode(130)) {
            var signals = sigset_t()
            unsafe sigemptyset(&signals)
            unsafe sigaddset(&signals, SIGINT)
            unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
            let watch = try TerminationWatch { exit($0.exitCode) }
            kill(getpid(), SIGINT)
            withExtendedLifetime(watch) {
                while true { pause() }
            }
        }
    }
}
