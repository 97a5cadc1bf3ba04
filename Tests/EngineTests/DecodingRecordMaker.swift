import CoreTypes

/// Makes up JSON records that resemble each other, and damages some of them.
struct RecordMaker {
    private var random: SplitMix64
    private var last: [UInt8] = Array("{}".utf8)

    private static let keys = [
        #""user""#, #""a""#, #""ms""#, #""b""#, #""""#, #""\u0061""#, #""long name of a field, longer than tokens""#,
        #""us""#, #""k1""#, #""k2""#, #""an\"escape""#, "\"ключ\"",
    ]
    private static let strings = [
        #""""#, #""x""#, #""a longer text, of more than thirty-two bytes, so that it takes several steps""#,
        #""tab\tquote\"back\\slash\/""#, #""\u00e9\u20ac\ud83d\ude00""#, #""\ud83dx""#, #""\ude00""#,
        #""\ud83d\u0041""#,
        "\"grüße\"", #""exactly thirty-one bytes long..""#, #""\\\\""#,
    ]
    private static let numbers = [
        "0", "-0", "1", "-1", "12345678", "123456789", "1234567890123456", "12345678901234567", "9223372036854775807",
        "-9223372036854775808", "9223372036854775808", "123456789012345678901234567890", "1.5", "-0.0", "0.1", "1e5",
        "1E-5", "1.25e+10", "1e22", "1e23", "123456.789e-3", "0.30000000000000004", "1e400", "-1e400", "1e-400",
        "9007199254740993.0", "2.2250738585072014e-308", "00", "1.", "-", ".5", "+1",
    ]
    private static let noise = Array(#"{}[]:,"\ 0123456789-+.eEtrufalsn"#.utf8) + [0, 10, 31, 127, 200]

    init(seed: UInt64) {
        self.random = SplitMix64(seed: seed)
    }

    mutating func next() -> [UInt8] {
        if self.below(3) == 0 { return self.damaged(self.last) }
        self.last = Array(self.record().utf8)
        return self.below(8) == 0 ? self.damaged(self.last) : self.last
    }

    private mutating func below(_ limit: Int) -> Int { Int(self.random.next() % UInt64(limit)) }

    private mutating func pick(_ choices: [String]) -> String { choices[self.below(choices.count)] }

    private mutating func space() -> String { self.below(6) == 0 ? self.pick([" ", "  ", "\t", "\r\n"]) : "" }

    private mutating func record() -> String {
        if self.below(40) == 0 { return self.value(depth: 0) }
        // The first fields mostly come in the same order: what the extractor predicts.
        if self.below(2) == 0 {
            return #"{"user":\#(self.value(depth: 3)),"ms":\#(self.value(depth: 3)),"a":\#(self.value(depth: 2))}"#
        }
        return self.object(depth: 1)
    }

    private mutating func object(depth: Int) -> String {
        var fields: [String] = []
        for _ in 0..<self.below(depth == 1 ? 24 : 4) {
            let key = self.pick(Self.keys)
            fields.append(
                self.space() + key + self.space() + ":" + self.space() + self.value(depth: depth + 1) + self.space()
            )
        }
        return self.space() + "{" + self.space() + fields.joined(separator: ",") + "}" + self.space()
    }

    private mutating func value(depth: Int) -> String {
        switch self.below(depth < 4 ? 9 : 6) {
        case 0, 1: return self.pick(Self.strings)
        case 2: return self.pick(Self.numbers)
        case 3: return self.pick(["true", "false", "null"])
        case 4: return String(Int64(bitPattern: self.random.next()) >> Int64(self.below(64)))
        case 5: return "\(Double(self.below(1_000_000)) / 100)"
        case 6, 7: return self.object(depth: depth + 1)
        default:
            var elements: [String] = []
            for _ in 0..<self.below(4) { elements.append(self.value(depth: depth + 1)) }
            return "[" + self.space() + elements.joined(separator: self.space() + "," + self.space()) + "]"
        }
    }

    private mutating func damaged(_ record: [UInt8]) -> [UInt8] {
        var damaged = record
        for _ in 0...self.below(3) where !damaged.isEmpty {
            let place = self.below(damaged.count)
            switch self.below(4) {
            case 0: damaged.remove(at: place)
            case 1: damaged.insert(Self.noise[self.below(Self.noise.count)], at: place)
            case 2: damaged[place] = Self.noise[self.below(Self.noise.count)]
            default: damaged.removeSubrange(place...)
            }
        }
        return damaged
    }
}
