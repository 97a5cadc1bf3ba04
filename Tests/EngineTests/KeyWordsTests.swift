import CoreTypes
import Testing

@testable import Engine

@Suite struct KeyWordsTests {
    @Test func `text with zero bytes isn't text without them`() {
        let plain = Array("a".utf8)
        let zero = Array("a\0".utf8)

        #expect(KeyWords.make(plain) != KeyWords.make(zero))
        #expect(KeyWords.make(plain) == KeyWords.make(Array("a".utf8)))
    }

    @Test(arguments: [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 1_000])
    func `a key has its length and never an empty slot's mark`(count: Int) {
        let key = KeyWords.make(Array(repeating: 0, count: count))

        #expect(key.count == count)
        #expect(key.b != 0)
        #expect(key.isLong == (count > KeyWords.inlineLimit))
    }

    @Test func `the bytes behind a short key don't count`() {
        let first = Array("word then more text".utf8)
        let second = Array("word and other text".utf8)

        let left = unsafe first.withUnsafeBytes {
            unsafe KeyWords(short: $0.baseAddress.unsafelyUnwrapped, count: 4, kind: KeyKind.shortText)
        }
        let right = unsafe second.withUnsafeBytes {
            unsafe KeyWords(short: $0.baseAddress.unsafelyUnwrapped, count: 4, kind: KeyKind.shortText)
        }

        #expect(left == right)
    }

    @Test(arguments: 0..<UInt64(20))
    func `short keys are equal where their bytes are, and give them back`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<300 {
            // Of so few bytes that many keys are equal.
            let keys = (0..<2).map { _ in (0..<random.next(in: 0..<4)).map { _ in UInt8(random.next(in: 0..<2)) } }
            let long = keys.map { $0 + Array(repeating: 7, count: 12) }
            for (left, right) in [(keys[0], keys[1]), (long[0], long[1])] {
                #expect((KeyWords.make(left) == KeyWords.make(right)) == (left == right), "replay with seed \(seed)")
                #expect(KeyWords.make(left).stored == left, "replay with seed \(seed)")
            }
        }
    }

    @Test(arguments: [16, 17, 24, 31, 32, 33, 100])
    func `a long key's words depend on each of its bytes`(count: Int) {
        let key = (0..<count).map { UInt8($0) }

        for index in 0..<count {
            var other = key
            other[index] ^= 1
            #expect(KeyWords.make(key) != KeyWords.make(other), "byte \(index)")
        }
        #expect(KeyWords.make(key) != KeyWords.make(key + [0]))
        #expect(KeyWords.make(key) == KeyWords.make(key))
    }

    @Test(arguments: 0...15)
    func `a key at the end of a page is the one that lies in its middle`(count: Int) {
        let page = UnsafeMutableRawBufferPointer.allocate(byteCount: 8_192, alignment: 4_096)
        defer { unsafe page.deallocate() }
        for index in 0..<8_192 { unsafe page[index] = UInt8(truncatingIfNeeded: index * 7 + 1) }
        let address = unsafe UnsafeRawPointer(page.baseAddress.unsafelyUnwrapped) + 4_096 - count
        let bytes = unsafe Array(UnsafeRawBufferPointer(start: address, count: count))

        let words = unsafe KeyWords(address, count: count, isText: true)

        #expect(words == KeyWords.make(bytes))
    }

    @Test(arguments: [0, 1, 15, 16, 40, 1_000])
    func `a key knows whether it is text, however long it is`(count: Int) {
        let bytes = Array(repeating: UInt8(9), count: count)

        #expect(KeyWords.make(bytes, isText: true).isText)
        #expect(!KeyWords.make(bytes, isText: false).isText)
    }

    @Test func `text and other values of equal bytes are different keys`() {
        for count in [0, 1, 15, 16, 40] {
            let bytes = Array(repeating: UInt8(4), count: count)
            #expect(KeyWords.make(bytes, isText: true) != KeyWords.make(bytes, isText: false))
        }
    }
}

extension KeyWords {
    /// The bytes of a short key.
    fileprivate var stored: [UInt8] {
        var room = Array(repeating: UInt8(0xEE), count: 16)
        unsafe room.withUnsafeMutableBytes { unsafe self.store(to: $0.baseAddress.unsafelyUnwrapped) }
        return Array(room.prefix(self.count))
    }

    fileprivate static func == (left: KeyWords, right: KeyWords) -> Bool { left.a == right.a && left.b == right.b }

    fileprivate static func != (left: KeyWords, right: KeyWords) -> Bool { !(left == right) }

    fileprivate static func make(_ bytes: [UInt8], isText: Bool = true) -> KeyWords {
        var padded = bytes
        padded.append(contentsOf: repeatElement(0xFF, count: 32))
        return unsafe padded.withUnsafeBytes {
            unsafe KeyWords($0.baseAddress.unsafelyUnwrapped, count: bytes.count, isText: isText)
        }
    }
}

@Suite struct IntegerKeyTests {
    @Test(arguments: [0, 1, -1, 255, 256, Int64.max, Int64.min, 1 << 56])
    func `an integer's words are those of its encoding`(integer: Int64) throws {
        var buffer = ByteBuffer()
        try ValueCodec.encodeKey(Value(integer), into: &buffer)

        let encoded = unsafe KeyWords(buffer.bytes.start, count: buffer.count, isText: false)
        let direct = KeyWords(integer: integer)

        #expect(direct.a == encoded.a)
        #expect(direct.b == encoded.b)
    }
}
