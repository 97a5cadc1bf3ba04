/// What must never appear in a plan, a log or a page.
package enum Secret {
    package static let mask = "********"

    private static let marks = [
        "password", "passwd", "secret", "token", "credential", "api-key", "apikey", "private-key",
    ]

    /// Whether an option of this name holds a secret.
    package static func isSecret(_ name: String) -> Bool {
        let name = name.lowercased()
        return name.hasPrefix("sasl.") || Self.marks.contains { Self.contains(name, $0) }
    }

    /// The text with `user:password@` of addresses masked.
    static func withoutCredentials(_ text: String) -> String {
        guard let scheme = Self.index(of: "://", in: Array(text.utf8)) else { return text }
        let bytes = Array(text.utf8)
        let start = scheme + 3
        let authorityEnd =
            bytes[start...].firstIndex { [UInt8(ascii: "/"), UInt8(ascii: "?")].contains($0) } ?? bytes.count
        guard let at = bytes[start..<authorityEnd].lastIndex(of: UInt8(ascii: "@")) else { return text }
        return String(decoding: bytes[..<start], as: UTF8.self) + Self.mask
            + String(decoding: bytes[at...], as: UTF8.self)
    }

    private static func contains(_ text: String, _ part: String) -> Bool {
        Self.index(of: part, in: Array(text.utf8)) != nil
    }

    private static func index(of part: String, in bytes: [UInt8]) -> Int? {
        let part = Array(part.utf8)
        guard bytes.count >= part.count else { return nil }
        return (0...bytes.count - part.count).first { bytes[$0..<$0 + part.count].elementsEqual(part) }
    }
}
