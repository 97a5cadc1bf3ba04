/// A number of bytes as programs and command lines write it: `512MiB`, `1.5 GiB`, `67108864`.
package enum MemorySize {
    /// The least that a job can be given.
    package static let jobMinimumBytes: Int64 = 16 << 20

    private static let units: [(suffix: String, bytes: Int64)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000), ("B", 1),
    ]

    /// - Returns: Nil where `text` isn't a size or exceeds 64 bits.
    package static func bytes(of text: String) -> Int64? {
        var number = Substring(text)
        var unit: Int64 = 1
        for candidate in Self.units where text.hasSuffix(candidate.suffix) {
            number = text.dropLast(candidate.suffix.count)
            unit = candidate.bytes
            break
        }
        while number.last == " " { number = number.dropLast() }
        guard let whole = Self.hundredths(of: number) else { return nil }
        let (product, isOverflow) = whole.multipliedReportingOverflow(by: unit)
        return isOverflow || product % 100 != 0 && unit == 1 ? nil : product / 100
    }

    /// The shortest exact form: `512 MiB`, `100 B`.
    package static func text(of bytes: Int64) -> String {
        for unit in Self.units where unit.suffix.count != 2 && bytes >= unit.bytes && bytes % unit.bytes == 0 {
            return "\(bytes / unit.bytes) \(unit.suffix)"
        }
        return "\(bytes) B"
    }

    /// Three digits, as people compare sizes: `512 MiB`, `6.83 MiB`, `12 B`.
    package static func roundedText(of bytes: Int64) -> String {
        let binary = Self.units.filter { $0.suffix.count != 2 }
        guard let unit = binary.first(where: { bytes >= $0.bytes }), unit.bytes > 1 else { return "\(bytes) B" }
        let (whole, rest) = bytes.quotientAndRemainder(dividingBy: unit.bytes)
        let places: Int64 = whole < 10 ? 100 : whole < 100 ? 10 : 1
        let fraction = (rest * places + unit.bytes / 2) / unit.bytes
        let scaled = whole * places + fraction
        var digits = String(scaled % places + places).dropFirst()
        while digits.last == "0" { digits = digits.dropLast() }
        return "\(scaled / places)\(digits.isEmpty ? "" : ".")\(digits) \(unit.suffix)"
    }

    /// A decimal number with at most two digits behind the point, times 100.
    private static func hundredths(of text: Substring) -> Int64? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = Self.digits(parts[0]) else { return nil }
        let (scaled, isOverflow) = whole.multipliedReportingOverflow(by: 100)
        guard !isOverflow else { return nil }
        guard parts.count == 2 else { return scaled }
        guard parts[1].utf8.count <= 2, let fraction = Self.digits(parts[1]) else { return nil }
        let (sum, isSumOverflow) = scaled.addingReportingOverflow(parts[1].utf8.count == 1 ? fraction * 10 : fraction)
        return isSumOverflow ? nil : sum
    }

    private static func digits(_ text: Substring) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(text)
    }
}
