/// Amounts as people read them: three digits and a unit.
enum Quantity {
    /// `999`, `1.25 k`, `120 k`, `7.1 M`.
    static func count(_ value: Int64) -> String {
        self.scaled(Double(value), units: ["", "k", "M", "G", "T"])
    }

    /// `12 B`, `1.5 kB`, `412 MB`.
    static func bytes(_ value: Int64) -> String {
        self.scaled(Double(value), units: ["B", "kB", "MB", "GB", "TB", "PB"])
    }

    /// `412 MB/s`.
    static func rate(bytesPerSecond: Double) -> String {
        self.scaled(bytesPerSecond, units: ["B", "kB", "MB", "GB", "TB", "PB"]) + "/s"
    }

    /// In the units in which memory limits are written: `31.4 MiB`.
    static func memory(_ bytes: Int64) -> String {
        self.scaled(Double(bytes), units: ["B", "KiB", "MiB", "GiB", "TiB"], step: 1_024)
    }

    /// All digits, in groups of three: `1,234,567`.
    static func exact(_ value: Int64) -> String {
        let digits = String(value.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return value < 0 ? "-\(text)" : text
    }

    /// `0.4 ms`, `12.5 s`, `3 min 20 s`, `2 h 5 min`.
    static func duration(_ duration: Duration) -> String {
        let seconds = max(0, duration / .seconds(1))
        if seconds < 0.9995 { return "\(self.digits(seconds * 1_000)) ms" }
        if seconds < 59.95 { return "\(self.digits(seconds)) s" }
        let whole = Int64(seconds.rounded())
        if whole < 3_600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3_600) h \(whole % 3_600 / 60) min"
    }

    /// A time that is only guessed: no fractions.
    static func estimate(_ duration: Duration) -> String {
        let seconds = max(1, (duration / .seconds(1)).rounded(.up))
        return seconds < 60 ? "\(Int64(seconds)) s" : self.duration(.seconds(seconds))
    }

    private static func scaled(_ value: Double, units: [String], step: Double = 1_000) -> String {
        var value = value
        var index = 0
        // 999.5 would be shown with four digits.
        while value >= step - 0.5, index + 1 < units.count {
            value /= step
            index += 1
        }
        let number = index == 0 ? String(Int64(value.rounded())) : self.digits(value)
        return units[index].isEmpty ? number : "\(number) \(units[index])"
    }

    /// Three digits, without zeros at the end of a fraction; more only for numbers above 999.
    private static func digits(_ value: Double) -> String {
        let places = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
        let scale = places == 2 ? 100.0 : places == 1 ? 10.0 : 1.0
        let rounded = Int64((value * scale).rounded())
        guard places > 0 else { return String(rounded) }
        var fraction = String(rounded % Int64(scale))
        fraction = String(repeating: "0", count: places - fraction.count) + fraction
        while fraction.last == "0" { fraction.removeLast() }
        let whole = rounded / Int64(scale)
        return fraction.isEmpty ? String(whole) : "\(whole).\(fraction)"
    }
}
