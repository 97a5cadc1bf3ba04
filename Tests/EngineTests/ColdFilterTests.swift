import CoreTypes
import Testing

@testable import Engine

@Suite struct ColdFilterTests {
    @Test(arguments: 0..<UInt64(8))
    func `every key that was inserted may be there, and few others`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let keyCount = random.next(in: 1_000..<20_000)
        // Ten bits for each key.
        var filter = ColdFilter(bytes: keyCount * 10 / 8)
        let inserted = (0..<keyCount).map { _ in random.next() }
        for hash in inserted { filter.insert(hash) }

        let found = inserted.count { filter.mayContain($0) }
        let mistaken = (0..<10_000).count { _ in filter.mayContain(random.next()) }

        #expect(found == keyCount, "seed \(seed)")
        #expect(mistaken < 400, "seed \(seed)")
    }

    @Test func `keys of one key group are told apart as well as others`() {
        var filter = ColdFilter(bytes: 12_500)
        let group: UInt64 = 0x5A << 56
        for number in 0..<10_000 as Range<UInt64> { filter.insert(group | number) }

        let mistaken = (10_000..<20_000 as Range<UInt64>).count { filter.mayContain(group | $0) }

        #expect(mistaken < 400)
    }

    @Test func `a filter that is far too small says that every key may be there`() {
        var filter = ColdFilter(bytes: 0)
        for number in 0..<2_000 as Range<UInt64> { filter.insert(KeyWords(integer: Int64(number)).hash) }

        #expect(filter.bytes == 64)
        #expect((0..<2_000).allSatisfy { filter.mayContain(KeyWords(integer: $0).hash) })
    }
}
