/// Writes `\S`, `\W` and `\D` as `[^\s]`, `[^\w]` and `[^\d]`, which mean the same.
///
/// PCRE2 10.42's JIT doesn't match scalars beyond ASCII with the former where text may be ill-formed
/// (`PCRE2_MATCH_INVALID_UTF`); its interpreter does, and so do both with the latter. Inside of a class all is well.
struct NegatedEscapes {
    private var rest: ArraySlice<UInt8>
    private var written: [UInt8] = []

    /// What to compile instead of a pattern that PCRE2 accepts; nil if there is nothing to change.
    static func rewritten(_ pattern: [UInt8]) -> [UInt8]? {
        var rewriting = NegatedEscapes(rest: pattern[...])
        while !rewriting.rest.isEmpty { rewriting.copyItem() }
        return rewriting.written == pattern ? nil : rewriting.written
    }

    private init(rest: ArraySlice<UInt8>) {
        self.rest = rest
    }

    private mutating func copyItem() {
        if self.copy(through: "\\E", from: "\\Q") || self.copy(through: ")", from: "(?#") { return }
        if self.rest.first == UInt8(ascii: "[") { return self.copyClass() }
        guard self.rest.first == UInt8(ascii: "\\") else { return self.copy(1) }
        switch self.rest.dropFirst().first {
        case UInt8(ascii: "S"): self.replace(by: "[^\\s]")
        case UInt8(ascii: "W"): self.replace(by: "[^\\w]")
        case UInt8(ascii: "D"): self.replace(by: "[^\\d]")
        // The character behind `\c` is part of it, a backslash too.
        case UInt8(ascii: "c"): self.copy(3)
        default: self.copy(2)
        }
    }

    /// A class up to its end; `]` is a member where it comes first.
    private mutating func copyClass() {
        self.copy(1)
        if self.rest.first == UInt8(ascii: "^") { self.copy(1) }
        if self.rest.first == UInt8(ascii: "]") { self.copy(1) }
        while let byte = self.rest.first, byte != UInt8(ascii: "]") {
            if self.copy(through: "\\E", from: "\\Q") || self.copyNamedClass() { continue }
            self.copy(byte == UInt8(ascii: "\\") ? 2 : 1)
        }
        self.copy(1)
    }

    /// `[:alpha:]`, which has an end of its own.
    private mutating func copyNamedClass() -> Bool {
        guard self.rest.starts(with: "[:".utf8) else { return false }
        let name = self.rest.dropFirst(2).prefix { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "]") }
        guard self.rest[name.endIndex...].starts(with: ":]".utf8) else { return false }
        self.copy(name.count + 4)
        return true
    }

    /// Copies what begins here with `opening`, up to `closing` or the end.
    private mutating func copy(through closing: String, from opening: String) -> Bool {
        guard self.rest.starts(with: opening.utf8) else { return false }
        self.copy(opening.utf8.count)
        while !self.rest.isEmpty, !self.rest.starts(with: closing.utf8) { self.copy(1) }
        self.copy(closing.utf8.count)
        return true
    }

    private mutating func copy(_ count: Int) {
        self.written += self.rest.prefix(count)
        self.rest = self.rest.dropFirst(count)
    }

    private mutating func replace(by text: String) {
        self.written += Array(text.utf8)
        self.rest = self.rest.dropFirst(2)
    }
}
