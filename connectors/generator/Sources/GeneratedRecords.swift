internal import CoreTypes

/// What the records look like.
enum GeneratedKind: String, CaseIterable, Sendable {
    /// JSON objects of a web shop, one a line.
    case events
    /// Lines of words, of which some are far more frequent than others.
    case words
}

/// Records as a function of their number and a seed, on every machine the same.
struct GeneratedRecords: Hashable, Sendable {
    /// The time of record 0: 2024-01-01T00:00:00Z.
    private static let firstTime: Int64 = 1_704_067_200_000

    private static let actions = ["view", "search", "click", "cart", "buy"]
    private static let countries = ["DE", "FR", "IT", "JP", "BR", "US", "IN", "KE"]

    let kind: GeneratedKind
    let seed: UInt64

    /// How many different users, or words, there are.
    let keyCount: Int

    /// Appends record `number` and its line end.
    func append(_ number: Int64, to line: inout [UInt8]) {
        // Multiplying by an odd number keeps the seeds of different records apart.
        var random = SplitMix64(seed: self.seed ^ (UInt64(bitPattern: number) &* 0xD134_2543_DE82_EF95))
        switch self.kind {
        case .events: self.appendEvent(number, &random, to: &line)
        case .words: self.appendWords(&random, to: &line)
        }
        line.append(UInt8(ascii: "\n"))
    }

    private func appendEvent(_ number: Int64, _ random: inout SplitMix64, to line: inout [UInt8]) {
        let user = self.skewed(&random)
        let action = Self.actions[random.next(in: 0..<Self.actions.count)]
        let country = Self.countries[random.next(in: 0..<Self.countries.count)]
        let cents = random.next(in: 0..<20_000)
        line.append(contentsOf: #"{"id":"#.utf8)
        line.append(contentsOf: String(number).utf8)
        line.append(contentsOf: #","time":"#.utf8)
        line.append(contentsOf: String(Self.firstTime + number * 10 + Int64(random.next(in: 0..<10))).utf8)
        line.append(contentsOf: #","user":"u"#.utf8)
        line.append(contentsOf: String(user).utf8)
        line.append(contentsOf: #"","action":""#.utf8)
        line.append(contentsOf: action.utf8)
        line.append(contentsOf: #"","country":""#.utf8)
        line.append(contentsOf: country.utf8)
        line.append(contentsOf: #"","amount":"#.utf8)
        line.append(contentsOf: "\(cents / 100).\(cents % 100 / 10)\(cents % 10)".utf8)
        line.append(contentsOf: #"}"#.utf8)
    }

    private func appendWords(_ random: inout SplitMix64, to line: inout [UInt8]) {
        for index in 0..<random.next(in: 1..<16) {
            if index > 0 { line.append(UInt8(ascii: " ")) }
            Self.appendWord(self.skewed(&random), to: &line)
        }
    }

    /// A key from 0; key k is drawn about 1 / (k + 1) times as often as key 0.
    ///
    /// First a power of two, each as likely as the others, then a key between it and the next one: Zipf's law in steps,
    /// in whole numbers, which are the same everywhere.
    private func skewed(_ random: inout SplitMix64) -> Int {
        let low = 1 << random.next(in: 0..<Int.bitWidth - self.keyCount.leadingZeroBitCount)
        return random.next(in: low..<min(low * 2, self.keyCount + 1)) - 1
    }

    /// Spells a number: one syllable of a consonant and a vowel for each digit to the base of 70.
    private static func appendWord(_ number: Int, to line: inout [UInt8]) {
        let consonants = Array("bdfghklmnprstv".utf8)
        let vowels = Array("aeiou".utf8)
        let syllableCount = consonants.count * vowels.count
        var rest = number
        while true {
            line.append(consonants[rest % consonants.count])
            line.append(vowels[rest / consonants.count % vowels.count])
            rest /= syllableCount
            if rest == 0 { return }
            // Without this, "ba" would stand for 0 and be lost at the end of longer words.
            rest -= 1
        }
    }
}
