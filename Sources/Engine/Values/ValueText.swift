internal import FluentSyntax

/// Values as text: what `str` and `println` show.
///
/// Collections show as they would be written: `[1 "a" nil]`, `{:a 1}`, `#{1 2}`.
package struct ValueText {
    /// Longer texts are refused.
    package let byteLimit: Int
    package var walk: ValueWalk

    package init(byteLimit: Int = .max, walk: ValueWalk = ValueWalk()) {
        self.byteLimit = byteLimit
        self.walk = walk
    }

    /// Appends a value as `str` shows it: strings raw, nil as nothing.
    @inline(__always)
    package mutating func append(_ value: Value, to buffer: inout ByteBuffer) throws(ValueWalkError) {
        if value.has(.string) || value.has(.symbol) {
            guard buffer.count &+ value.count <= self.byteLimit else { throw .tooLarge }
            buffer.append(value.text)
        } else if !value.has(.nil) {
            try self.appendForm(value, to: &buffer, depth: 0)
        }
    }

    /// Appends a value as it is shown inside a collection: strings quoted, nil as `nil`.
    mutating func appendForm(_ value: Value, to buffer: inout ByteBuffer, depth: Int) throws(ValueWalkError) {
        guard buffer.count <= self.byteLimit else { throw .tooLarge }
        switch value.tag {
        case .nil: buffer.append("nil")
        case .boolean: value.bits == 0 ? buffer.append("false") : buffer.append("true")
        case .integer: NumberText.append(value.integer, to: &buffer)
        case .float: buffer.append(utf8: FloatText.text(of: value.float))
        case .string: Self.appendQuoted(value.text, to: &buffer)
        case .symbol: buffer.append(value.text)
        case .keyword:
            buffer.append(UInt8(ascii: ":"))
            buffer.append(value.text)
        case .list: try self.appendElements(value.elements, "[", "]", to: &buffer, depth: depth)
        case .map: try self.appendElements(value.pairs, "{", "}", to: &buffer, depth: depth)
        case .set: try self.appendElements(value.elements, "#{", "}", to: &buffer, depth: depth)
        case .function, .builtin: buffer.append("#<function>")
        case .regex: Self.appendPattern(value.regexPattern, to: &buffer)
        case .stream: buffer.append("#<values>")
        case .handle: buffer.append("#<handle>")
        }
    }

    private mutating func appendElements(
        _ elements: Elements,
        _ opening: StaticString,
        _ closing: StaticString,
        to buffer: inout ByteBuffer,
        depth: Int
    ) throws(ValueWalkError) {
        try self.walk.visit(elements.count, depth: depth)
        buffer.append(opening)
        for index in 0..<elements.count {
            if index > 0 { buffer.append(UInt8(ascii: " ")) }
            try self.appendForm(elements[index], to: &buffer, depth: depth + 1)
        }
        buffer.append(closing)
    }

    private static func appendQuoted(_ text: Bytes, to buffer: inout ByteBuffer) {
        buffer.append(UInt8(ascii: "\""))
        for index in 0..<text.count {
            switch text[index] {
            case UInt8(ascii: "\n"): buffer.append("\\n")
            case UInt8(ascii: "\t"): buffer.append("\\t")
            case UInt8(ascii: "\r"): buffer.append("\\r")
            case UInt8(ascii: "\\"): buffer.append("\\\\")
            case UInt8(ascii: "\""): buffer.append("\\\"")
            case 0: buffer.append("\\0")
            case let byte: buffer.append(byte)
            }
        }
        buffer.append(UInt8(ascii: "\""))
    }

    private static func appendPattern(_ pattern: Bytes, to buffer: inout ByteBuffer) {
        buffer.append("#\"")
        for index in 0..<pattern.count {
            if pattern[index] == UInt8(ascii: "\"") { buffer.append(UInt8(ascii: "\\")) }
            buffer.append(pattern[index])
        }
        buffer.append(UInt8(ascii: "\""))
    }
}

/// Numbers as digits.
package enum NumberText {
    package static func append(_ integer: Int64, to buffer: inout ByteBuffer) {
        if integer < 0 { buffer.append(UInt8(ascii: "-")) }
        self.append(magnitude: integer.magnitude, to: &buffer)
    }

    package static func append(magnitude: UInt64, to buffer: inout ByteBuffer) {
        buffer.append(decimal: magnitude, digitCount: self.digitCount(magnitude))
    }

    /// Decimal digits of a number.
    private static func digitCount(_ magnitude: UInt64) -> Int {
        var count = 1
        var rest = magnitude
        while rest >= 10_000 {
            rest /= 10_000
            count &+= 4
        }
        return count &+ (rest >= 1_000 ? 3 : rest >= 100 ? 2 : rest >= 10 ? 1 : 0)
    }

    /// The integer of exactly `[+-]?[0-9]+`, or nil, also where it doesn't fit.
    package static func integer(of text: Bytes) -> Int64? {
        var index = 0
        let isNegative = text.count > 0 && text[0] == UInt8(ascii: "-")
        if text.count > 0, isNegative || text[0] == UInt8(ascii: "+") { index = 1 }
        guard index < text.count else { return nil }
        var result: Int64 = 0
        while index < text.count {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            let (product, overflowed) = result.multipliedReportingOverflow(by: 10)
            let (sum, overflowedAgain) = product.subtractingReportingOverflow(Int64(digit))
            if overflowed || overflowedAgain { return nil }
            result = sum
            index += 1
        }
        if isNegative { return result }
        return result == .min ? nil : -result
    }

    /// The float of exactly `[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?`, or nil, also where it is beyond all floats.
    package static func float(of text: Bytes) -> Double? {
        var scan = NumberScan(text: text, offset: 0)
        guard scan.skip(allowsPlus: true), scan.offset == text.count else { return nil }
        guard let value = Double(text.string), value.isFinite else { return nil }
        return value
    }
}

/// Recognises the grammar of decimal numbers.
struct NumberScan {
    let text: Bytes
    var offset: Int
    /// Whether a fraction or an exponent was there.
    var isFractional = false

    init(text: Bytes, offset: Int) {
        self.text = text
        self.offset = offset
    }

    /// Skips one number; false where there is none.
    mutating func skip(allowsPlus: Bool) -> Bool {
        if self.peek == UInt8(ascii: "-") || (allowsPlus && self.peek == UInt8(ascii: "+")) { self.offset += 1 }
        guard self.skipDigits() else { return false }
        if self.peek == UInt8(ascii: ".") {
            self.offset += 1
            self.isFractional = true
            guard self.skipDigits() else { return false }
        }
        if self.peek == UInt8(ascii: "e") || self.peek == UInt8(ascii: "E") {
            self.offset += 1
            self.isFractional = true
            if self.peek == UInt8(ascii: "-") || self.peek == UInt8(ascii: "+") { self.offset += 1 }
            guard self.skipDigits() else { return false }
        }
        return true
    }

    private var peek: UInt8 { self.offset < self.text.count ? self.text[self.offset] : 0 }

    private mutating func skipDigits() -> Bool {
        let start = self.offset
        while self.peek &- UInt8(ascii: "0") < 10 { self.offset += 1 }
        return self.offset > start
    }
}
