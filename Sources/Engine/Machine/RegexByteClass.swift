/// A regex that is one class of ASCII bytes, such as `\s+`, `[^a-z]+`, `,`: it needs no regex engine.
///
/// Negated classes match whole scalars in PCRE2; splitting at runs of them gives the same pieces byte by byte only
/// where the class is repeated, so others aren't recognised.
struct RegexByteClass {
    private(set) var members = ByteClass()
    private(set) var isRepeated = false

    init?(pattern: [UInt8]) {
        var rest = pattern[...]
        if rest.count > 1, rest.last == UInt8(ascii: "+"), !(rest.count == 2 && rest.first == UInt8(ascii: "\\")) {
            self.isRepeated = true
            rest = rest.dropLast()
        }
        guard let first = rest.first else { return nil }
        if first == UInt8(ascii: "["), rest.last == UInt8(ascii: "]"), rest.count > 2 {
            guard self.addSet(rest.dropFirst().dropLast()) else { return nil }
        } else {
            guard let single = Self.takeAtom(&rest, inSet: false), rest.isEmpty else { return nil }
            for byte in single { self.members.insert(byte) }
        }
    }

    private mutating func addSet(_ body: ArraySlice<UInt8>) -> Bool {
        var rest = body
        let isNegated = rest.first == UInt8(ascii: "^")
        if isNegated { rest = rest.dropFirst() }
        guard !rest.isEmpty, !isNegated || self.isRepeated else { return false }
        while !rest.isEmpty {
            guard let atom = Self.takeAtom(&rest, inSet: true) else { return false }
            if atom.count == 1, rest.count >= 2, rest.first == UInt8(ascii: "-") {
                rest = rest.dropFirst()
                guard let end = Self.takeAtom(&rest, inSet: true), end.count == 1, end[0] >= atom[0] else {
                    return false
                }
                for byte in atom[0]...end[0] { self.members.insert(byte) }
            } else {
                for byte in atom { self.members.insert(byte) }
            }
        }
        if isNegated {
            self.members = self.members.complement
            // Bytes that aren't UTF-8 never match in PCRE2: such text must go through it.
        }
        return true
    }

    private static let spaces: [UInt8] = [0x20, 0x09, 0x0A, 0x0B, 0x0C, 0x0D]

    /// The bytes of one character or escape, or nil where it is something else.
    private static func takeAtom(_ rest: inout ArraySlice<UInt8>, inSet: Bool) -> [UInt8]? {
        guard let first = rest.popFirst(), first < 0x80 else { return nil }
        guard first == UInt8(ascii: "\\") else {
            let special = inSet ? Array("[]^".utf8) : Array("[]^$.|?*+(){}".utf8)
            return special.contains(first) ? nil : [first]
        }
        guard let escaped = rest.popFirst() else { return nil }
        switch escaped {
        case UInt8(ascii: "s"): return self.spaces
        case UInt8(ascii: "d"): return Array(0x30...0x39)
        case UInt8(ascii: "w"): return Array(0x30...0x39) + Array(0x41...0x5A) + [0x5F] + Array(0x61...0x7A)
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "f"): return [0x0C]
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x80...0xFF: return nil
        default: return [escaped]
        }
    }
}
