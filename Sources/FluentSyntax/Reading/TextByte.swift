/// Bytes with a meaning in program text.
enum TextByte {
    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")
    static let newline = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let formFeed: UInt8 = 0x0C

    static func isWhitespace(_ byte: UInt8) -> Bool {
        byte == self.space || byte == self.newline || byte == self.tab || byte == self.carriageReturn
            || byte == self.formFeed
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    static func isHexadecimalDigit(_ byte: UInt8) -> Bool {
        self.isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f"))
    }

    /// What a symbol may begin with.
    static func beginsSymbol(_ byte: UInt8) -> Bool {
        let lowered = byte | 0x20
        if lowered >= UInt8(ascii: "a"), lowered <= UInt8(ascii: "z") { return true }
        return self.isSymbolPunctuation(byte)
    }

    /// What a symbol, keyword or number goes on with.
    static func continuesSymbol(_ byte: UInt8) -> Bool {
        self.beginsSymbol(byte) || self.isDigit(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "'")
    }

    private static func isSymbolPunctuation(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "*"), UInt8(ascii: "/"), UInt8(ascii: "="),
            UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "!"), UInt8(ascii: "?"), UInt8(ascii: "%"),
            UInt8(ascii: "&"), UInt8(ascii: "|"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
