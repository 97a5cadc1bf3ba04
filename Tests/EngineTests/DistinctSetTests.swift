import CoreTypes
import Testing

@testable import Engine

@Suite struct DistinctSetTests {
    @Test(arguments: 0..<UInt64(40))
    func `each key has the values that it got, each once`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let set = DistinctSet()
        let memory = KeyMemory()
        var newest: [UInt64: UInt64] = [:]
        var model: [UInt64: [TestKey]] = [:]
        let keyCount = UInt64(random.next(in: 1..<6))

        for _ in 0..<random.next(in: 1..<1_500) {
            let key = 1 + random.next() % keyCount
            let value = TestKey.random(&random)
            let (words, _) = unsafe memory.words(of: value)
            var position = newest[key, default: 0]
            let bytes = value.bytes
            let isNew = Self.withBytes(bytes) { set.insert(words, $0, key: key, newest: &position) }
            newest[key] = position

            #expect(isNew == !model[key, default: []].contains(value), "\(value) of \(key), seed \(seed)")
            if isNew { model[key, default: []].append(value) }
        }

        for (key, values) in model {
            var found: [[UInt8]] = []
            set.forEachValue(from: newest[key, default: 0]) { words, bytes in
                found.append([words.isText ? 1 : 0] + bytes.array)
            }
            // Newest first.
            #expect(found == values.reversed().map { [$0.isText ? 1 : 0] + $0.bytes }, "key \(key), seed \(seed)")
        }
        #expect(set.count == model.values.reduce(0) { $0 + $1.count })
    }

    @Test func `a set that keeps repeats has every value that came, the newest first`() {
        let set = DistinctSet(keepsRepeats: true)
        let memory = KeyMemory()
        var newest: UInt64 = 0
        let values = (0..<500).map { TestKey.text(Array("a value of some length, \($0 % 3)".utf8)) }
        for value in values {
            let (words, _) = unsafe memory.words(of: value)
            #expect(Self.withBytes(value.bytes) { set.insert(words, $0, key: 1, newest: &newest) })
        }

        var found: [[UInt8]] = []
        set.forEachValue(from: newest) { _, bytes in found.append(bytes.array) }
        #expect(found == values.reversed().map(\.bytes))
        #expect(set.count == 500)
    }

    @Test func `many values are held in little more than they take`() {
        let set = DistinctSet()
        var newest: UInt64 = 0

        for round in 0..<2 {
            for number in 0..<Int64(50_000) {
                let isNew = Self.withBytes([]) {
                    set.insert(KeyWords(integer: number), $0, key: 1, newest: &newest)
                }
                #expect(isNew == (round == 0))
            }
        }

        #expect(set.count == 50_000)
        #expect(set.bytes < 50_000 * 2 * 56)
    }

    @Test func `what no key has got is empty`() {
        var count = 0

        DistinctSet().forEachValue(from: 0) { _, _ in count += 1 }

        #expect(count == 0)
    }

    private static func withBytes<Result>(_ bytes: [UInt8], _ body: (Bytes) -> Result) -> Result {
        // Room behind the bytes, which short keys are read with.
        let padded = bytes + [UInt8](repeating: 0, count: 16)
        return unsafe padded.withUnsafeBufferPointer { buffer in
            body(unsafe Bytes(start: buffer.baseAddress.unsafelyUnwrapped, count: bytes.count))
        }
    }
}

@Suite struct ValueSketchTests {
    @Test(arguments: [0, 1, 2, 10, 100, 1_000, 5_000, 10_000, 12_000, 15_000, 20_000, 50_000, 200_000])
    func `the estimate is within five in a hundred`(count: Int) {
        for shape in [NumberShape.counted, .spread, .multiples] {
            let sketch = TestSketch()

            for number in 0..<count { sketch.add(shape.number(number)) }

            let estimate = sketch.estimate
            #expect(abs(Double(estimate) - Double(count)) <= Double(count) * 0.05, "\(estimate) of \(count) \(shape)")
        }
    }

    @Test func `values that come again change nothing`() {
        let sketch = TestSketch()
        for number in 0..<3_000 { sketch.add(number) }
        let before = sketch.estimate

        for number in 0..<3_000 { sketch.add(number) }

        #expect(sketch.estimate == before)
    }

    @Test func `merging estimates the union`() {
        let (all, low, high) = (TestSketch(), TestSketch(), TestSketch())
        for number in 0..<8_000 {
            all.add(number)
            if number < 5_000 { low.add(number) }
            if number >= 3_000 { high.add(number) }
        }

        low.merge(high)

        #expect(low.estimate == all.estimate)
    }

    /// Registers that no values could have filled, as damage leaves them.
    @Test(arguments: [53, 54, 255] as [UInt8])
    func `full registers give a number`(register: UInt8) {
        let sketch = TestSketch(register: register)

        #expect(sketch.estimate > 0)
    }
}

/// What the distinct numbers of a test look like.
private enum NumberShape {
    case counted
    case spread
    case multiples

    func number(_ index: Int) -> Int {
        switch self {
        case .counted: index
        case .spread:
            Int(truncatingIfNeeded: UInt64(index) &* 0x9E37_79B9_7F4A_7C15)
        case .multiples: index * 1_000_000
        }
    }
}

/// Registers on the heap.
@safe
private final class TestSketch {
    private let registers: UnsafeMutablePointer<UInt8>

    init(register: UInt8 = 0) {
        unsafe self.registers = .allocate(capacity: ValueSketch.registerCount)
        unsafe self.registers.initialize(repeating: register, count: ValueSketch.registerCount)
    }

    deinit {
        unsafe self.registers.deallocate()
    }

    func add(_ number: Int) {
        let key = KeyWords(integer: Int64(number))
        let none = unsafe Bytes(start: UnsafePointer(self.registers), count: 0)
        unsafe ValueSketch.add(ValueSketch.hash(key, none), to: self.registers)
    }

    func merge(_ other: TestSketch) {
        unsafe ValueSketch.merge(other.registers, into: self.registers)
    }

    var estimate: Int64 { unsafe ValueSketch.estimate(self.registers) }
}
