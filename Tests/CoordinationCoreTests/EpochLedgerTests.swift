import CoreTypes
import Testing

@testable import CoordinationCore

@Suite struct EpochLedgerTests {
    @Test func `a checkpoint holds what its parts wrote`() {
        var ledger = EpochLedger<String>()
        ledger.add(["a"], of: 1)
        ledger.add(["b", "c"], of: 1)

        #expect(ledger.outputs(of: 1) == ["a", "b", "c"])
        ledger.complete(1)
        #expect(ledger.outputs(of: 2) == [])
        #expect(ledger.remainder == [])
    }

    @Test func `what a checkpoint that was given up held belongs to the next that completes`() {
        var ledger = EpochLedger<String>()
        ledger.add(["a"], of: 1)
        ledger.abandon(1)
        ledger.add(["b"], of: 2)
        ledger.abandon(2)
        ledger.add(["c"], of: 3)

        #expect(ledger.outputs(of: 3) == ["a", "b", "c"])
        ledger.complete(3)
        #expect(ledger.remainder == [])
    }

    @Test func `a part that comes after its checkpoint was given up is carried over`() {
        var ledger = EpochLedger<String>()
        ledger.abandon(1)
        ledger.add(["late"], of: 1)

        #expect(ledger.outputs(of: 2) == ["late"])
    }

    @Test func `at the end nothing is left out`() {
        var ledger = EpochLedger<String>()
        ledger.add(["a"], of: 1)
        ledger.abandon(1)
        ledger.add(["b"], of: 2)

        #expect(ledger.remainder == ["a", "b"])
    }

    @Test(arguments: 0..<UInt64(200))
    func `every output is in exactly one checkpoint or the remainder`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var ledger = EpochLedger<Int>()
        var written = 0
        var held: [Int] = []

        for checkpoint in Int64(1)..<Int64(40) {
            // Parts of this one, and some of earlier ones that were given up.
            for _ in 0..<random.next(in: 0..<4) {
                let late = random.next(in: 0..<5) == 0 && checkpoint > 1
                ledger.add([written], of: late ? checkpoint - 1 : checkpoint)
                written += 1
            }
            if random.next(in: 0..<2) == 0 {
                ledger.abandon(checkpoint)
            } else {
                held += ledger.outputs(of: checkpoint)
                ledger.complete(checkpoint)
            }
        }

        #expect((held + ledger.remainder).sorted() == Array(0..<written), "seed \(seed)")
    }
}
