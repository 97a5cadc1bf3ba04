extension Unicode.Scalar {
    /// Whether a terminal may act on it instead of showing it: C0, delete and C1.
    package var isControl: Bool { self.value < 0x20 || (0x7F...0x9F).contains(self.value) }

    /// How many columns a terminal needs for it: none for what is drawn over the scalar before, two for wide scripts.
    ///
    /// Source: Unicode Standard Annex 11, its wide blocks; scalars that only some fonts draw wide count as one.
    var columnCount: Int {
        if self.value < 0x300 { return 1 }
        switch self.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: return Self.wideBlocks.contains { $0.contains(self.value) } ? 2 : 1
        }
    }

    private static let wideBlocks: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
        0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF,
        0x20000...0x3FFFD,
    ]
}

extension String {
    /// The text with control characters written as `\u{1b}`, as in a string of a program; `letter` is another one's for
    /// the `u`: in a regular expression it is `x`.
    package func escapingControls(letter: String = "u") -> String {
        guard self.unicodeScalars.contains(where: \.isControl) else { return self }
        var result = ""
        for scalar in self.unicodeScalars {
            if scalar.isControl {
                result += "\\\(letter){\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
