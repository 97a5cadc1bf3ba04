import CoreTypes
import Testing

@testable import Engine

@Suite struct KeyTableTests {
    /// Growth from the smallest table on, several times over.
    @Test(arguments: 0..<UInt64(10))
    func `payloads of short keys are those of a dictionary, through every growth`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let memory = KeyMemory()
        var table = KeyTable(payloadWordCount: 2, hasAddress: false, slotCount: 4)
        var model: [TestKey: UInt64] = [:]
        for _ in 0..<4_000 {
            let key = Self.shortKey(random.next(in: 0..<1_500))
            let words = unsafe memory.words(of: key).words
            let payload = unsafe table.payload(of: words, hash: words.hash)
            let delta = UInt64(random.next(in: 1..<100))
            #expect(unsafe (payload[0] == 0) == (model[key] == nil), "replay with seed \(seed)")
            unsafe payload[0] += delta
            unsafe payload[1] = unsafe payload[0] ^ 7
            model[key, default: 0] += delta
        }

        let found = Self.contents(of: table)

        #expect(table.count == model.count, "replay with seed \(seed)")
        #expect(found.count == model.count, "replay with seed \(seed)")
        for (key, sum) in model {
            let words = unsafe memory.words(of: key).words
            #expect(found[Words(words)] == [sum, sum ^ 7], "replay with seed \(seed)")
        }
    }

    @Test(arguments: 0..<UInt64(10))
    func `payloads of long keys are those of a dictionary, through every growth`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let memory = KeyMemory()
        var table = KeyTable(payloadWordCount: 1, hasAddress: true, slotCount: 4)
        var model: [TestKey: UInt64] = [:]
        for _ in 0..<3_000 {
            let key = Self.longKey(random.next(in: 0..<900))
            let (words, long) = unsafe memory.words(of: key)
            guard let bytes = unsafe long else {
                Issue.record("a long key has an address")
                return
            }
            let slot = unsafe table.longSlot(of: words, bytes: bytes, hash: words.hash)
            #expect(unsafe (slot[2] == 0) == (model[key] == nil), "replay with seed \(seed)")
            if unsafe slot[2] == 0 { unsafe slot[2] = UInt64(UInt(bitPattern: bytes)) }
            unsafe slot[3] += 1
            model[key, default: 0] += 1
        }

        var found: [[UInt8]: UInt64] = [:]
        unsafe table.forEachSlot { slot in
            let key = unsafe KeyWords(a: slot[0], b: slot[1])
            let bytes = unsafe UnsafeRawPointer(bitPattern: UInt(slot[2]))
            found[unsafe Array(UnsafeRawBufferPointer(start: bytes, count: key.count))] = unsafe slot[3]
        }

        #expect(table.count == model.count, "replay with seed \(seed)")
        #expect(found == Dictionary(uniqueKeysWithValues: model.map { ($0.key.bytes, $0.value) }))
    }

    @Test func `long keys with equal words are told apart by their bytes`() {
        let memory = KeyMemory()
        var table = KeyTable(payloadWordCount: 1, hasAddress: true)
        // As if two keys had equal hashes: nobody can wait until two are found.
        let words = KeyWords(a: 1, b: UInt64(20) | UInt64(KeyKind.longText) << 56)
        let keys = (0..<5).map { Array(repeating: 120, count: 19) + [UInt8($0)] }

        for (number, key) in keys.enumerated() {
            let bytes = unsafe memory.copy(key)
            let slot = unsafe table.longSlot(of: words, bytes: bytes, hash: words.hash)
            unsafe slot[2] = UInt64(UInt(bitPattern: bytes))
            unsafe slot[3] = UInt64(number + 100)
        }

        #expect(table.count == 5)
        for (number, key) in keys.enumerated() {
            let bytes = unsafe memory.copy(key)
            #expect(unsafe table.longSlot(of: words, bytes: bytes, hash: words.hash)[3] == UInt64(number + 100))
        }
        #expect(table.count == 5)
    }

    @Test func `a table that was made large enough doesn't move while so many keys come`() {
        for reserved in [1, 2, 500, 512, 5_000] {
            let memory = KeyMemory()
            var table = KeyTable(payloadWordCount: 1, hasAddress: false, slotCount: 4)
            let first = unsafe memory.words(of: Self.shortKey(0)).words
            unsafe table.payload(of: first, hash: first.hash)[0] = 7
            table.reserve(reserved)
            let bytes = table.bytes
            for number in 1...reserved {
                let words = unsafe memory.words(of: Self.shortKey(number)).words
                unsafe table.payload(of: words, hash: words.hash)[0] += 1
            }

            #expect(table.bytes == bytes, "\(reserved) keys")
            #expect(table.count <= reserved + 1)
            #expect(unsafe table.payload(of: first, hash: first.hash)[0] == 7)
        }
    }

    @Test func `an emptied table is as a new one`() {
        let memory = KeyMemory()
        var table = KeyTable(payloadWordCount: 1, hasAddress: false)
        let bytes = table.bytes
        for number in 0..<5_000 {
            let words = unsafe memory.words(of: Self.shortKey(number)).words
            unsafe table.payload(of: words, hash: words.hash)[0] = 1
        }
        #expect(table.bytes > bytes)

        table.removeAll()

        let words = unsafe memory.words(of: Self.shortKey(3)).words
        #expect(table.count == 0)
        #expect(table.bytes == bytes)
        #expect(unsafe table.payload(of: words, hash: words.hash)[0] == 0)
    }

    // MARK: Keys

    /// What a slot's words say, to be found again.
    private struct Words: Hashable {
        let a: UInt64
        let b: UInt64

        init(_ key: KeyWords) {
            self.a = key.a
            self.b = key.b
        }
    }

    private static func contents(of table: borrowing KeyTable) -> [Words: [UInt64]] {
        var found: [Words: [UInt64]] = [:]
        unsafe table.forEachSlot { slot in
            let key = unsafe KeyWords(a: slot[0], b: slot[1])
            found[Words(key)] = unsafe [slot[2], slot[3]]
        }
        return found
    }

    private static func shortKey(_ number: Int) -> TestKey {
        switch number % 3 {
        case 0: .text(Array("\(number)".utf8))
        case 1: .text(Array("key number \(number)".utf8))
        default: .integer(Int64(number))
        }
    }

    private static func longKey(_ number: Int) -> TestKey {
        switch number % 3 {
        case 0: .text(Array("a key that has many bytes \(number)".utf8))
        case 1: .text(Array("\(number)".utf8) + Array(repeating: 120, count: 16 + number % 60))
        default: .list([.integer(Int64(number)), .text(Array("member".utf8))])
        }
    }
}
