internal import FluentSyntax

/// `format`: `%[-0][width][.precision]` and one of d s f e x, or `%%`.
extension Workspace {
    private struct Directive {
        var isLeftAligned = false
        var isZeroFilled = false
        var width = 0
        var precision: Int?
        var conversion: UInt8 = 0
    }

    /// Widths and precisions beyond it are refused.
    private static let formatWidthLimit = 999

    mutating func format(_ arguments: Elements) throws(Code) -> Value {
        let pattern = try self.text(arguments[0], .format)
        var output = ByteBuffer()
        var next = 1
        var offset = 0
        while offset < pattern.count {
            let byte = pattern[offset]
            offset += 1
            guard byte == UInt8(ascii: "%") else {
                output.append(byte)
                continue
            }
            let directive = try Self.readDirective(pattern, &offset)
            if directive.conversion == UInt8(ascii: "%") {
                output.append(byte)
                continue
            }
            guard next < arguments.count else {
                throw Self.formatError("there are fewer arguments than directives")
            }
            try self.append(arguments[next], as: directive, to: &output)
            next += 1
            if output.count > self.limits.memoryBytes { throw self.memoryLimit }
        }
        try self.count(bytes: output.count)
        return try self.makeString(output.bytes)
    }

    private static func formatError(_ reason: String) -> Code {
        .invalidArgument(operation: Builtin.format.name, reason: reason)
    }

    private static func readDirective(_ pattern: Bytes, _ offset: inout Int) throws(Code) -> Directive {
        var directive = Directive()
        var byte = offset < pattern.count ? pattern[offset] : 0
        func advance() {
            offset += 1
            byte = offset < pattern.count ? pattern[offset] : 0
        }
        while byte == UInt8(ascii: "-") || byte == UInt8(ascii: "0") {
            if byte == UInt8(ascii: "-") { directive.isLeftAligned = true } else { directive.isZeroFilled = true }
            advance()
        }
        while byte &- UInt8(ascii: "0") < 10, directive.width <= Self.formatWidthLimit {
            directive.width = directive.width * 10 + Int(byte - UInt8(ascii: "0"))
            advance()
        }
        if byte == UInt8(ascii: ".") {
            advance()
            var precision = 0
            while byte &- UInt8(ascii: "0") < 10, precision <= Self.formatWidthLimit {
                precision = precision * 10 + Int(byte - UInt8(ascii: "0"))
                advance()
            }
            directive.precision = precision
        }
        guard directive.width <= Self.formatWidthLimit, directive.precision ?? 0 <= Self.formatWidthLimit else {
            throw Self.formatError("widths and precisions are at most \(Self.formatWidthLimit)")
        }
        guard "dsfex%".utf8.contains(byte) else {
            throw Self.formatError("the directives are %d %s %f %e %x and %%")
        }
        directive.conversion = byte
        offset += 1
        return directive
    }

    private mutating func append(
        _ value: Value,
        as directive: Directive,
        to output: inout ByteBuffer
    ) throws(Code) {
        self.scratch.removeAll()
        var isNumber = true
        switch directive.conversion {
        case UInt8(ascii: "d"):
            NumberText.append(try self.integer(value, .format), to: &self.scratch)
        case UInt8(ascii: "x"):
            let integer = try self.integer(value, .format)
            self.scratch.append(utf8: String(UInt64(bitPattern: integer), radix: 16))
        case UInt8(ascii: "f"):
            let number = try self.number(value, .format)
            isNumber = number.isFinite
            self.scratch.append(utf8: DecimalText.fixed(number, digits: directive.precision ?? 6))
        case UInt8(ascii: "e"):
            let number = try self.number(value, .format)
            isNumber = number.isFinite
            self.scratch.append(utf8: DecimalText.exponential(number, digits: directive.precision ?? 6))
        default:
            isNumber = false
            if value.has(.nil) { self.scratch.append("nil") } else { try self.show(value, .format) }
            if let precision = directive.precision {
                self.scratch.truncate(to: self.scratch.bytes.offset(ofUnit: precision))
            }
        }
        self.pad(directive, isNumber: isNumber, to: &output)
    }

    private func pad(_ directive: Directive, isNumber: Bool, to output: inout ByteBuffer) {
        let text = self.scratch.bytes
        let missing = max(0, directive.width - text.unitCount)
        if directive.isLeftAligned {
            output.append(text)
            for _ in 0..<missing { output.append(0x20) }
            return
        }
        guard directive.isZeroFilled, isNumber else {
            for _ in 0..<missing { output.append(0x20) }
            return output.append(text)
        }
        let isNegative = text.count > 0 && text[0] == UInt8(ascii: "-")
        if isNegative { output.append(UInt8(ascii: "-")) }
        for _ in 0..<missing { output.append(UInt8(ascii: "0")) }
        output.append(text.slice(isNegative ? 1 : 0, text.count))
    }
}

/// Floats with a given number of digits, rounded from their exact value, half to even.
enum DecimalText {
    /// Like `%.2f` of C.
    static func fixed(_ number: Double, digits: Int) -> String {
        guard number.isFinite else { return number.description }
        var (whole, scale) = self.exact(number.magnitude)
        whole.round(dropping: scale - digits)
        scale = min(scale, digits)
        var text = whole.description
        if text.count <= scale { text = String(repeating: "0", count: scale + 1 - text.count) + text }
        let fraction = text.suffix(scale) + String(repeating: "0", count: digits - scale)
        let sign = number.sign == .minus ? "-" : ""
        return sign + text.dropLast(scale) + (digits > 0 ? "." + fraction : "")
    }

    /// Like `%.2e` of C.
    static func exponential(_ number: Double, digits: Int) -> String {
        guard number.isFinite else { return number.description }
        var (whole, scale) = self.exact(number.magnitude)
        var text = whole.description
        var exponent = number == 0 ? 0 : text.count - 1 - scale
        if text.count > digits + 1 {
            whole.round(dropping: text.count - 1 - digits)
            let rounded = whole.description
            // 9.99 became 10.0.
            if rounded.count > digits + 1 { exponent += 1 }
            text = String(rounded.prefix(digits + 1))
        }
        text += String(repeating: "0", count: digits + 1 - text.count)
        scale = exponent.magnitude < 10 ? 1 : 0
        let power = (exponent < 0 ? "-" : "+") + (scale == 1 ? "0" : "") + String(exponent.magnitude)
        let sign = number.sign == .minus ? "-" : ""
        return sign + text.prefix(1) + (digits > 0 ? "." + text.dropFirst() : "") + "e" + power
    }

    /// A number as an integer and how many of its digits are a fraction.
    private static func exact(_ magnitude: Double) -> (BigDecimal, Int) {
        guard magnitude > 0 else { return (BigDecimal(0), 0) }
        let significand = magnitude.significandBitPattern | (magnitude.isNormal ? 1 << 52 : 0)
        let exponent = Int(magnitude.isNormal ? magnitude.exponentBitPattern : 1) - 1_075
        var whole = BigDecimal(significand)
        if exponent >= 0 {
            for _ in 0..<exponent { whole.multiply(by: 2) }
            return (whole, 0)
        }
        // n / 2^k is n × 5^k / 10^k.
        for _ in 0..<(-exponent) { whole.multiply(by: 5) }
        return (whole, -exponent)
    }
}

/// A large natural number in limbs of nine decimal digits, the lowest first.
struct BigDecimal: CustomStringConvertible {
    private static let limb: UInt64 = 1_000_000_000
    private static let limbDigits = 9
    private var limbs: [UInt64] = []

    init(_ number: UInt64) {
        var rest = number
        repeat {
            self.limbs.append(rest % Self.limb)
            rest /= Self.limb
        } while rest > 0
    }

    mutating func multiply(by factor: UInt64) {
        var carry: UInt64 = 0
        for index in self.limbs.indices {
            let product = self.limbs[index] * factor + carry
            self.limbs[index] = product % Self.limb
            carry = product / Self.limb
        }
        if carry > 0 { self.limbs.append(carry) }
    }

    /// Drops so many of the last digits, and rounds what stays half to even.
    mutating func round(dropping count: Int) {
        guard count > 0 else { return }
        var digits = Array(self.description.utf8)
        if digits.count < count { digits = [UInt8](repeating: 0x30, count: count - digits.count) + digits }
        let dropped = digits.suffix(count)
        var kept = Array(digits.dropLast(count))
        let first = dropped.first ?? 0x30
        let isMore = first > 0x35 || (first == 0x35 && dropped.dropFirst().contains { $0 != 0x30 })
        let isOdd = (kept.last ?? 0x30) & 1 == 1
        if isMore || (first == 0x35 && isOdd) {
            var index = kept.count - 1
            while index >= 0, kept[index] == 0x39 {
                kept[index] = 0x30
                index -= 1
            }
            if index >= 0 { kept[index] += 1 } else { kept.insert(0x31, at: 0) }
        }
        self.limbs = []
        var end = kept.count
        while end > 0 {
            let start = max(0, end - Self.limbDigits)
            self.limbs.append(kept[start..<end].reduce(0) { $0 * 10 + UInt64($1 - 0x30) })
            end = start
        }
        while let last = self.limbs.last, last == 0, self.limbs.count > 1 { self.limbs.removeLast() }
        if self.limbs.isEmpty { self.limbs = [0] }
    }

    var description: String {
        guard let last = self.limbs.last else { return "0" }
        return self.limbs.dropLast().reversed().reduce(String(last)) { text, limb in
            let digits = String(limb)
            return text + String(repeating: "0", count: Self.limbDigits - digits.count) + digits
        }
    }
}
