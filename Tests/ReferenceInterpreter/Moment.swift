/// A moment of the proleptic Gregorian calendar, field by field.
struct Moment {
    var year = 1970
    var month = 1
    var day = 1
    var hour = 0
    var minute = 0
    var second = 0
    var millisecond = 0
    /// East of Greenwich.
    var zoneMinutes = 0

    private static let millisecondsPerDay: Int64 = 86_400_000
    private static let years = 0...9999

    init() {}

    /// The moment in UTC; nil outside the years 0 to 9999.
    init?(milliseconds: Int64) {
        let (quotient, remainder) = milliseconds.quotientAndRemainder(dividingBy: Self.millisecondsPerDay)
        let days = remainder < 0 ? quotient - 1 : quotient
        let rest = Int(remainder < 0 ? remainder + Self.millisecondsPerDay : remainder)
        guard (Self.days(before: 0)..<Self.days(before: 10_000)).contains(days) else { return nil }
        // Start at or before the right year, and walk.
        self.year = max(0, 1970 + Int(days / 366) - (days < 0 ? 2 : 0))
        while days < Self.days(before: self.year) { self.year -= 1 }
        while days >= Self.days(before: self.year + 1) { self.year += 1 }
        var dayOfYear = Int(days - Self.days(before: self.year))
        while dayOfYear >= Self.dayCount(self.year, self.month) {
            dayOfYear -= Self.dayCount(self.year, self.month)
            self.month += 1
        }
        self.day = dayOfYear + 1
        self.hour = rest / 3_600_000
        self.minute = rest / 60_000 % 60
        self.second = rest / 1_000 % 60
        self.millisecond = rest % 1_000
    }

    /// Since 1970 in UTC; nil for a moment that doesn't exist.
    var milliseconds: Int64? {
        guard Self.years.contains(self.year), (1...12).contains(self.month),
            (1...Self.dayCount(self.year, self.month)).contains(self.day),
            (0..<24).contains(self.hour), (0..<60).contains(self.minute), (0..<60).contains(self.second)
        else { return nil }
        var days = Self.days(before: self.year) + Int64(self.day - 1)
        for month in 1..<self.month { days += Int64(Self.dayCount(self.year, month)) }
        let seconds = Int64((self.hour * 60 + self.minute - self.zoneMinutes) * 60 + self.second)
        return days * Self.millisecondsPerDay + seconds * 1_000 + Int64(self.millisecond)
    }

    /// Days from 1970-01-01 to the first day of a year from 0 on.
    private static func days(before year: Int) -> Int64 {
        let leapDays = { (year: Int) in (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400 }
        return Int64((year - 1970) * 365 + leapDays(year) - leapDays(1970))
    }

    private static func dayCount(_ year: Int, _ month: Int) -> Int {
        let isLeapYear = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, isLeapYear ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }
}
