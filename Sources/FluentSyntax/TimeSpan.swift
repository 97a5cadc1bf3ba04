/// A span of time as programs write it: milliseconds, or a text like `"5 min"`.
package enum TimeSpan {
    /// 36,525 days: sums with event times stay far away from the ends of 64 bits.
    package static let millisecondsLimit: Int64 = 36_525 * 86_400_000

    package static let advice = "write milliseconds, or \"250 ms\", \"30 s\", \"5 min\", \"1 h\" or \"1 d\""

    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// - Returns: Nil where the value isn't a span, or is one beyond ``millisecondsLimit``.
    package static func milliseconds(of value: Constant) -> Int64? {
        let milliseconds: Int64?
        switch value {
        case .integer(let count): milliseconds = count
        case .string(let text): milliseconds = Self.milliseconds(ofText: text)
        default: milliseconds = nil
        }
        return milliseconds.flatMap { $0 > Self.millisecondsLimit ? nil : $0 }
    }

    /// What is wrong with a value where a span is needed; nil if nothing is.
    ///
    /// It reads on behind what needs the span: `can't be shorter than 1 ms`.
    package static func problem(with value: Constant, atLeast minimum: Int64) -> String? {
        guard let milliseconds = Self.milliseconds(of: value) else {
            return "needs a time of at most 36525 days, found \(value.word.map { "\"\($0)\"" } ?? value.foundText)"
        }
        guard milliseconds < minimum else { return nil }
        return minimum == 0 ? "can't be negative" : "can't be shorter than \(minimum) ms"
    }

    package static let offsetAdvice = "write milliseconds, or \"5 min\" or \"-1 h\", and not the later one first"

    /// Milliseconds of a span that may have a sign.
    ///
    /// - Returns: Nil where the value isn't one, or is further from 0 than ``millisecondsLimit``.
    package static func offsetMilliseconds(of value: Constant) -> Int64? {
        if case .string(let text) = value, text.first == UInt8(ascii: "-") {
            return Self.milliseconds(of: .string(Array(text.dropFirst()))).map { -$0 }
        }
        return Self.milliseconds(of: value).flatMap { $0 < -Self.millisecondsLimit ? nil : $0 }
    }

    /// What is wrong with a value where a span that may have a sign is needed; nil if nothing is.
    package static func offsetProblem(with value: Constant) -> String? {
        guard Self.offsetMilliseconds(of: value) == nil else { return nil }
        let found = value.word.map { "\"\($0)\"" } ?? value.foundText
        return "needs a time of at most 36525 days, with or without a sign, found \(found)"
    }

    /// The shortest exact form: `5 min`, `1500 ms`.
    package static func text(of milliseconds: Int64) -> String {
        let unit = Self.units.first { milliseconds != 0 && milliseconds.isMultiple(of: $0.milliseconds) }
        guard let unit else { return "\(milliseconds) ms" }
        return "\(milliseconds / unit.milliseconds) \(unit.name)"
    }

    private static func milliseconds(ofText text: [UInt8]) -> Int64? {
        let digits = text.prefix { TextByte.isDigit($0) }
        let name = String(decoding: text.dropFirst(digits.count).drop { $0 == TextByte.space }, as: UTF8.self)
        guard let count = Int64(String(decoding: digits, as: UTF8.self)),
            let unit = Self.units.first(where: { $0.name == name })
        else { return nil }
        let (product, isOverflow) = count.multipliedReportingOverflow(by: unit.milliseconds)
        return isOverflow ? nil : product
    }
}

extension Constant {
    /// A number itself, or what it is.
    var foundText: String {
        switch self {
        case .integer(let value): "\(value)"
        case .float(let value): FloatText.text(of: value)
        default: self.typeName
        }
    }
}
