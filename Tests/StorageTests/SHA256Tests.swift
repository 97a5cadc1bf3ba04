import CoreTypes
import Testing

@testable import Storage

@Suite struct SHA256Tests {
    /// Source: FIPS 180-4's examples, by NIST.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `texts have the hashes of the standard`(text: String, expected: String) {
        var hash = SHA256()

        hash.update(Array(text.utf8))

        #expect(hash.finish() == expected)
    }

    @Test func `a million times the same byte has the hash of the standard`() {
        var hash = SHA256()

        for _ in 0..<1_000 { hash.update(Array(repeating: UInt8(ascii: "a"), count: 1_000)) }

        #expect(hash.finish() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test(arguments: 0..<UInt64(50))
    func `it doesn't matter how bytes are cut`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let bytes = (0..<random.next(in: 0..<400)).map { _ in UInt8(random.next(in: 0..<256)) }
        var whole = SHA256()
        whole.update(bytes)
        var parts = SHA256()
        var rest = bytes[...]

        while !rest.isEmpty {
            let part = rest.prefix(random.next(in: 0..<150))
            parts.update(Array(part))
            rest = rest.dropFirst(part.count)
        }

        #expect(parts.finish() == whole.finish(), "seed \(seed)")
    }
}
