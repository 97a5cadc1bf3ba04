/// What sinks wrote in each epoch, until a checkpoint exists that it belongs to.
///
/// What an epoch wrote whose checkpoint was given up belongs to the next one that completes: nobody will write it again.
package struct EpochLedger<Output: Sendable>: Sendable {
    private var epochs: [Int64: [Output]] = [:]

    /// Of checkpoints that were given up, in the order they were.
    private var carried: [Output] = []
    private var settled: Int64 = 0

    package init() {}

    /// Adds what a part of a checkpoint wrote; one that comes after its checkpoint was given up is carried over.
    package mutating func add(_ outputs: [Output], of checkpoint: Int64) {
        if checkpoint <= self.settled {
            self.carried += outputs
        } else {
            self.epochs[checkpoint, default: []] += outputs
        }
    }

    /// What a checkpoint makes visible: its own, behind what was carried over.
    package func outputs(of checkpoint: Int64) -> [Output] { self.carried + (self.epochs[checkpoint] ?? []) }

    /// A checkpoint exists: what it holds is its own from then on.
    package mutating func complete(_ checkpoint: Int64) {
        self.carried = []
        self.epochs[checkpoint] = nil
        self.settled = max(self.settled, checkpoint)
    }

    /// A checkpoint was given up.
    package mutating func abandon(_ checkpoint: Int64) {
        self.carried += self.epochs.removeValue(forKey: checkpoint) ?? []
        self.settled = max(self.settled, checkpoint)
    }

    /// What no checkpoint holds: of those that were given up, and of one that never completed.
    package var remainder: [Output] {
        self.carried + self.epochs.sorted { $0.key < $1.key }.flatMap(\.value)
    }
}
