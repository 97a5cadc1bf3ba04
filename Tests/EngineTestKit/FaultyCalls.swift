package import Engine
internal import Synchronization

/// Counts the calls of a store that a test made, and fails the one that it asked for.
///
/// `Calls` has a count for each kind of call; a `Fault` names a kind and a number, from 1 over all that the store has made.
package final class FaultyCalls<Calls: Sendable, Fault: Equatable & Sendable>: Sendable {
    private let fault: Fault?
    private let state: Mutex<Calls>

    package init(_ calls: Calls, fault: Fault?) {
        self.fault = fault
        self.state = Mutex(calls)
    }

    package var figures: Calls { self.state.withLock { $0 } }

    /// Counts a call.
    ///
    /// - Throws: It is the one that fails.
    package func count(_ figure: WritableKeyPath<Calls, Int>, _ fault: (Int) -> Fault) throws(SpillError) {
        let call = self.state.withLock { calls in
            calls[keyPath: figure] += 1
            return calls[keyPath: figure]
        }
        if self.fault == fault(call) { throw .injected }
    }

    package func change(_ figure: WritableKeyPath<Calls, Int>, by difference: Int) {
        self.state.withLock { $0[keyPath: figure] += difference }
    }
}
