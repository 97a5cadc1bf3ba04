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
}

extension KeyWords {
    fileprivate static func == (left: KeyWords, right: KeyWords) -> Bool { left.a == right.a && left.b == right.b }

    fileprivate static func != (left: KeyWords, right: KeyWords) -> Bool { !(left == right) }

    fileprivate static func make(_ bytes: [UInt8]) -> KeyWords {
        var padded = bytes
        padded.append(contentsOf: repeatElement(0xFF, count: 32))
        return unsafe padded.withUnsafeBytes {
            unsafe KeyWords($0.baseAddress.unsafelyUnwrapped, count: bytes.count, isText: true)
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
