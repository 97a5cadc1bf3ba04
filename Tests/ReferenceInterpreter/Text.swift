/// The bytes of a string, a symbol or a keyword, which need not be UTF-8.
package struct Text: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    package init(_ string: String) {
        self.bytes = Array(string.utf8)
    }

    /// For messages: bytes that aren't UTF-8 are replaced.
    package var string: String { String(decoding: self.bytes, as: UTF8.self) }

    /// What the language counts: the bytes of each Unicode scalar, and each byte that belongs to none.
    package var units: [Text] {
        var units: [Text] = []
        var start = 0
        while start < self.bytes.count {
            let length = self.unitLength(at: start)
            units.append(Text(bytes: Array(self.bytes[start..<start + length])))
            start += length
        }
        return units
    }

    /// The scalar that these bytes are, if they are exactly one.
    package var scalar: Unicode.Scalar? {
        guard let string = String(validating: self.bytes, as: UTF8.self) else { return nil }
        let scalars = string.unicodeScalars
        return scalars.count == 1 ? scalars.first : nil
    }

    package init(joining parts: some Sequence<Text>) {
        self.bytes = parts.flatMap(\.bytes)
    }

    /// Bytes of the unit that begins here; 1 at the end.
    func unitLength(at start: Int) -> Int {
        if start < self.bytes.count, self.bytes[start] < 0x80 { return 1 }
        for length in 1...4 where start + length <= self.bytes.count {
            if Text(bytes: Array(self.bytes[start..<start + length])).scalar != nil { return length }
        }
        return 1
    }
}

extension Text {
    /// The offsets at which `part`, which isn't empty, occurs, from left to right without overlaps.
    func offsets(of part: Text) -> [Int] {
        var offsets: [Int] = []
        var start = 0
        while start + part.bytes.count <= self.bytes.count {
            if self.bytes[start..<start + part.bytes.count].elementsEqual(part.bytes) {
                offsets.append(start)
                start += part.bytes.count
            } else {
                start += 1
            }
        }
        return offsets
    }

    func contains(_ part: Text) -> Bool {
        part.bytes.isEmpty || !self.offsets(of: part).isEmpty
    }

    func slice(_ range: Range<Int>) -> Text {
        Text(bytes: Array(self.bytes[range]))
    }

    /// Without ASCII white space at both ends.
    var trimmed: Text {
        guard let first = self.bytes.firstIndex(where: { !Self.isSpace($0) }),
            let last = self.bytes.lastIndex(where: { !Self.isSpace($0) })
        else { return Text("") }
        return self.slice(first..<last + 1)
    }

    var lowercased: Text {
        Text(joining: self.units.map { unit in unit.scalar.map { Text($0.properties.lowercaseMapping) } ?? unit })
    }

    var uppercased: Text {
        Text(joining: self.units.map { unit in unit.scalar.map { Text($0.properties.uppercaseMapping) } ?? unit })
    }

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (9...13).contains(byte)
    }
}
