import FluentSyntax
import Foundation

extension Interpreter {
    /// `(format "%5.2f" x)`: the directives of C that make sense here.
    static func format(_ call: BuiltinCall) throws(EvaluationError) -> Text {
        var rest = try call.text(0).bytes[...]
        var arguments = call.arguments.dropFirst()
        var result: [UInt8] = []
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                result.append(byte)
                continue
            }
            let directive = Directive(reading: &rest)
            if directive.letter == "%" {
                result.append(byte)
                continue
            }
            guard let letter = directive.letter, "dsfex".contains(letter) else {
                let isWide = directive.isTooWide
                throw call.invalid(
                    isWide ? "widths and precisions are at most 999" : "the directives are %d %s %f %e %x and %%"
                )
            }
            guard let argument = arguments.popFirst() else {
                throw call.invalid("there are fewer arguments than directives")
            }
            result += directive.padded(try Self.formatted(argument, directive, call)).bytes
        }
        return Text(bytes: result)
    }

    private static func formatted(
        _ argument: ReferenceValue,
        _ directive: Directive,
        _ call: BuiltinCall
    ) throws(EvaluationError) -> Text {
        switch directive.letter {
        case "s":
            let text = if case .nil = argument { argument.written } else { argument.printed }
            guard let precision = directive.precision else { return text }
            return Text(joining: text.units.prefix(precision))
        case "d", "x":
            guard case .integer(let integer) = argument else { throw call.mismatch(TypeName.integer, argument) }
            return Text(directive.letter == "d" ? String(integer) : String(UInt64(bitPattern: integer), radix: 16))
        default:
            let number = try call.number(argument).double
            // C may show the sign of NaN.
            guard number.isFinite else { return Text(number.description) }
            let letter = directive.letter == "f" ? "f" : "e"
            return Text(String(format: "%.\(directive.precision ?? 6)\(letter)", number))
        }
    }
}

/// What stands between a `%` and its letter.
private struct Directive {
    var isLeftAligned = false
    var hasZeros = false
    var width = 0
    var precision: Int?
    var letter: Character?

    private static let numberMaximum = 999

    /// Takes the directive off the front of `rest`; without a letter it isn't one.
    init(reading rest: inout ArraySlice<UInt8>) {
        while let byte = rest.first, byte == UInt8(ascii: "-") || byte == UInt8(ascii: "0") {
            if byte == UInt8(ascii: "-") { self.isLeftAligned = true } else { self.hasZeros = true }
            rest.removeFirst()
        }
        self.width = Self.number(&rest) ?? 0
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            self.precision = Self.number(&rest) ?? 0
        }
        guard !self.isTooWide else { return }
        self.letter = rest.popFirst().map { Character(Unicode.Scalar($0)) }
    }

    var isTooWide: Bool { self.width > Self.numberMaximum || self.precision ?? 0 > Self.numberMaximum }

    private static func number(_ rest: inout ArraySlice<UInt8>) -> Int? {
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        rest = rest.dropFirst(digits.count)
        return digits.isEmpty ? nil : Int(String(decoding: digits, as: UTF8.self)) ?? Int.max
    }

    func padded(_ text: Text) -> Text {
        let missing = max(0, self.width - text.units.count)
        if self.isLeftAligned { return Text(joining: [text, Text(String(repeating: " ", count: missing))]) }
        guard self.hasZeros, self.letter != "s" else {
            return Text(joining: [Text(String(repeating: " ", count: missing)), text])
        }
        let sign = text.bytes.first == UInt8(ascii: "-") ? 1 : 0
        let zeros = Text(String(repeating: "0", count: missing))
        return Text(joining: [text.slice(0..<sign), zeros, text.slice(sign..<text.bytes.count)])
    }
}
