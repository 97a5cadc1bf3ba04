/// Moments as people read them, in UTC.
enum Timestamp {
    /// `2026-11-26T16:05:15Z`; milliseconds only where there are some.
    static func text(_ millisecondsSince1970: Int64) -> String {
        let day = self.floorDivision(millisecondsSince1970, 86_400_000)
        let inDay = millisecondsSince1970 - day * 86_400_000
        let (year, month, dayOfMonth) = self.date(day)
        let fraction = inDay % 1_000 == 0 ? "" : "." + self.padded(inDay % 1_000, 3)
        let time = [inDay / 3_600_000, inDay / 60_000 % 60, inDay / 1_000 % 60].map { self.padded($0, 2) }
        let date = "\(self.padded(year, 4))-\(self.padded(month, 2))-\(self.padded(dayOfMonth, 2))"
        return "\(date)T\(time.joined(separator: ":"))\(fraction)Z"
    }

    private static func padded(_ number: Int64, _ digits: Int) -> String {
        let text = String(number.magnitude)
        return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    private static func floorDivision(_ number: Int64, _ divisor: Int64) -> Int64 {
        let quotient = number / divisor
        return number % divisor < 0 ? quotient - 1 : quotient
    }

    /// The civil date of a day since 1970.
    ///
    /// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013: years that begin in March, in eras of 400.
    private static func date(_ day: Int64) -> (Int64, Int64, Int64) {
        let shifted = day + 719_468
        let era = self.floorDivision(shifted, 146_097)
        let inEra = shifted - era * 146_097
        let year = (inEra - inEra / 1_460 + inEra / 36_524 - inEra / 146_096) / 365
        let inYear = inEra - (365 * year + year / 4 - year / 100)
        let month = (5 * inYear + 2) / 153
        let dayOfMonth = inYear - (153 * month + 2) / 5 + 1
        let civilMonth = month < 10 ? month + 3 : month - 9
        return (year + era * 400 + (civilMonth <= 2 ? 1 : 0), civilMonth, dayOfMonth)
    }
}
