/// Numbers as programs write them: `-42`, `60_000`, `6.02e23`.
enum NumberText {
    enum Parsed: Equatable {
        case integer(Int64)
        case float(Double)
        case outOfRange(isInteger: Bool)
        case malformed(advice: String)
    }

    /// Parses a word that begins with a digit, or with a minus and a digit.
    static func parse(_ word: String) -> Parsed {
        let bytes = Array(word.utf8)
        var index = bytes.first == UInt8(ascii: "-") ? 1 : 0
        let wholeStart = index
        index = self.skipDigits(bytes, from: index, allowsUnderscores: true)
        if index == bytes.count { return self.integer(bytes, wholeStart: wholeStart) }
        guard bytes[index] == UInt8(ascii: "."), !bytes[..<index].contains(UInt8(ascii: "_")) else {
            return .malformed(advice: self.advice(bytes, stoppedAt: index))
        }
        let fractionStart = index + 1
        index = self.skipDigits(bytes, from: fractionStart, allowsUnderscores: false)
        guard index > fractionStart else { return .malformed(advice: "write a digit after the point: 1.0") }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
                index += 1
            }
            let exponentStart = index
            index = self.skipDigits(bytes, from: index, allowsUnderscores: false)
            guard index > exponentStart else { return .malformed(advice: "write digits after the e: 1.0e9") }
        }
        guard index == bytes.count, let value = Double(word) else {
            return .malformed(advice: self.advice(bytes, stoppedAt: index))
        }
        return value.isFinite ? .float(value) : .outOfRange(isInteger: false)
    }

    private static func integer(_ bytes: [UInt8], wholeStart: Int) -> Parsed {
        let hasStrayUnderscore =
            bytes.last == UInt8(ascii: "_")
            || zip(bytes, bytes.dropFirst()).contains { $0 == UInt8(ascii: "_") && $1 == UInt8(ascii: "_") }
        guard !hasStrayUnderscore else {
            return .malformed(advice: "underscores stand between two digits: 60_000")
        }
        let digits = bytes.filter { $0 != UInt8(ascii: "_") }
        guard let value = Int64(String(decoding: digits, as: UTF8.self)) else { return .outOfRange(isInteger: true) }
        return .integer(value)
    }

    private static func skipDigits(_ bytes: [UInt8], from start: Int, allowsUnderscores: Bool) -> Int {
        var index = start
        while index < bytes.count,
            TextByte.isDigit(bytes[index]) || (allowsUnderscores && bytes[index] == UInt8(ascii: "_"))
        {
            index += 1
        }
        return index
    }

    private static func advice(_ bytes: [UInt8], stoppedAt index: Int) -> String {
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            return "a number with an exponent has a point: 1.0e9"
        }
        return "numbers look like 42, -7, 60_000, 2.5 or 1.0e9; names can't begin with a digit"
    }
}
