import CoreTypes
import FluentSyntax
import ReferenceInterpreter
import Testing

/// What the reference interpreter writes for a float is what the machine writes.
@Suite struct FloatTextDifferentialTests {
    @Test func `any float is written alike, as text and as JSON`() {
        for seed in UInt64(0)..<20_000 {
            var random = SplitMix64(seed: seed)
            let value = Double(bitPattern: random.next())
            let expected = Array(FloatText.text(of: value).utf8)
            let json = value.isFinite ? expected : Array("null".utf8)

            let written = ReferenceValue.float(value)

            guard written.written.bytes == expected, written.json?.bytes == json else {
                Issue.record("seed \(seed): \(value)")
                return
            }
        }
    }
}
