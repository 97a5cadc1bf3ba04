internal import FluentSyntax

/// Points in time: milliseconds since 1970, UTC.
extension Workspace {
    mutating func performTime(_ builtin: Builtin, _ arguments: Elements) throws(Code) -> Value {
        if builtin == .formatTime {
            let milliseconds = try self.integer(arguments[0], builtin)
            let pattern = arguments.count == 2 ? try self.text(arguments[1], builtin).array : TimePattern.standard
            let parts = try self.timePattern(pattern, builtin)
            guard let time = CalendarTime(milliseconds: milliseconds) else {
                throw .invalidArgument(operation: builtin.name, reason: "the year is outside 0 to 9999")
            }
            return try self.makeString(parts.format(time))
        }
        let text = try self.text(arguments[0], builtin).array
        guard arguments.count == 2 else {
            return TimePattern.parseStandard(text).map { Value($0) } ?? .nil
        }
        let pattern = try self.timePattern(try self.text(arguments[1], builtin).array, builtin)
        return pattern.parse(text).map { Value($0) } ?? .nil
    }

    private func timePattern(_ pattern: [UInt8], _ builtin: Builtin) throws(Code) -> TimePattern {
        guard let parts = TimePattern(pattern) else {
            let reason = "a pattern is made of yyyy MM MMM dd HH mm ss SSS Z, other signs, and 'text in quotes'"
            throw .invalidArgument(operation: builtin.name, reason: reason)
        }
        return parts
    }
}

/// A date and time of day in the Gregorian calendar, UTC.
struct CalendarTime: Hashable {
    var year = 1_970
    var month = 1
    var day = 1
    var hour = 0
    var minute = 0
    var second = 0
    var millisecond = 0

    init() {}

    /// Nil outside the years 0 to 9999.
    init?(milliseconds: Int64) {
        let millisecondsPerDay: Int64 = 86_400_000
        let days =
            milliseconds >= 0
            ? milliseconds / millisecondsPerDay : -((-(milliseconds + 1)) / millisecondsPerDay) - 1
        guard days > -800_000, days < 3_000_000 else { return nil }
        var rest = Int(milliseconds - days * millisecondsPerDay)
        // Days since 0000-03-01; eras of 400 years. Source: Howard Hinnant, "chrono-compatible low-level date algorithms".
        let shifted = Int(days) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        self.day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        self.month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        self.year = yearOfEra + era * 400 + (self.month <= 2 ? 1 : 0)
        guard (0...9_999).contains(self.year) else { return nil }
        self.millisecond = rest % 1_000
        rest /= 1_000
        self.second = rest % 60
        rest /= 60
        self.minute = rest % 60
        self.hour = rest / 60
    }

    /// Nil where a part is out of its range: there is no 30 February.
    var milliseconds: Int64? {
        guard (1...12).contains(self.month), (1...self.daysOfMonth).contains(self.day), (0...23).contains(self.hour),
            (0...59).contains(self.minute), (0...59).contains(self.second)
        else { return nil }
        let shiftedYear = self.month <= 2 ? self.year - 1 : self.year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (self.month > 2 ? self.month - 3 : self.month + 9) + 2) / 5 + self.day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = Int64(era * 146_097 + dayOfEra - 719_468)
        let seconds = Int64((self.hour * 60 + self.minute) * 60 + self.second)
        return (days * 86_400 + seconds) * 1_000 + Int64(self.millisecond)
    }

    private var daysOfMonth: Int {
        switch self.month {
        case 4, 6, 9, 11: 30
        case 2: self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0) ? 29 : 28
        default: 31
        }
    }
}

/// How a time is written.
struct TimePattern {
    private enum Part {
        case year, month, monthName, day, hour, minute, second, millisecond, zone
        case literal(UInt8)
    }

    static let standard = Array("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'".utf8)
    private static let monthNames = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    private var parts: [Part] = []

    /// Nil where it has letters that mean nothing, outside quotes.
    init?(_ pattern: [UInt8]) {
        var rest = pattern[...]
        while let first = rest.first {
            let run = rest.prefix { $0 == first }
            if first == UInt8(ascii: "'") {
                rest = rest.dropFirst()
                guard let end = rest.firstIndex(of: first) else { return nil }
                if end == rest.startIndex { self.parts.append(.literal(first)) }
                for byte in rest[..<end] { self.parts.append(.literal(byte)) }
                rest = rest[(end + 1)...]
                continue
            }
            switch (first, run.count) {
            case (UInt8(ascii: "y"), 4): self.parts.append(.year)
            case (UInt8(ascii: "M"), 2): self.parts.append(.month)
            case (UInt8(ascii: "M"), 3): self.parts.append(.monthName)
            case (UInt8(ascii: "d"), 2): self.parts.append(.day)
            case (UInt8(ascii: "H"), 2): self.parts.append(.hour)
            case (UInt8(ascii: "m"), 2): self.parts.append(.minute)
            case (UInt8(ascii: "s"), 2): self.parts.append(.second)
            case (UInt8(ascii: "S"), 3): self.parts.append(.millisecond)
            case (UInt8(ascii: "Z"), 1): self.parts.append(.zone)
            case (UInt8(ascii: "a")...UInt8(ascii: "z"), _), (UInt8(ascii: "A")...UInt8(ascii: "Z"), _): return nil
            default: for byte in run { self.parts.append(.literal(byte)) }
            }
            rest = rest.dropFirst(run.count)
        }
    }

    func format(_ time: CalendarTime) -> String {
        var text: [UInt8] = []
        func append(_ number: Int, _ digits: Int) {
            let shown = String(number)
            text += [UInt8](repeating: 0x30, count: max(0, digits - shown.utf8.count)) + Array(shown.utf8)
        }
        for part in self.parts {
            switch part {
            case .year: append(time.year, 4)
            case .month: append(time.month, 2)
            case .monthName: text += Array(Self.monthNames[time.month - 1].utf8)
            case .day: append(time.day, 2)
            case .hour: append(time.hour, 2)
            case .minute: append(time.minute, 2)
            case .second: append(time.second, 2)
            case .millisecond: append(time.millisecond, 3)
            case .zone: text += Array("+0000".utf8)
            case .literal(let byte): text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The milliseconds of a text that fits exactly, or nil.
    func parse(_ text: [UInt8]) -> Int64? {
        var cursor = TimeCursor(text: text)
        var time = CalendarTime()
        var zoneMinutes = 0
        for part in self.parts {
            let isRead: Bool
            switch part {
            case .year: isRead = cursor.digits(4, into: &time.year)
            case .month: isRead = cursor.digits(2, into: &time.month)
            case .monthName: isRead = cursor.name(of: Self.monthNames, into: &time.month)
            case .day: isRead = cursor.digits(2, into: &time.day)
            case .hour: isRead = cursor.digits(2, into: &time.hour)
            case .minute: isRead = cursor.digits(2, into: &time.minute)
            case .second: isRead = cursor.digits(2, into: &time.second)
            case .millisecond: isRead = cursor.digits(3, into: &time.millisecond)
            case .zone: isRead = cursor.zone(into: &zoneMinutes)
            case .literal(let byte): isRead = cursor.take(byte)
            }
            if !isRead { return nil }
        }
        guard cursor.isAtEnd else { return nil }
        return time.milliseconds.map { $0 - Int64(zoneMinutes) * 60_000 }
    }

    /// ISO 8601: a date, or a date and a time with optional seconds, fraction and zone.
    static func parseStandard(_ text: [UInt8]) -> Int64? {
        var cursor = TimeCursor(text: text)
        var time = CalendarTime()
        var zoneMinutes = 0
        guard cursor.digits(4, into: &time.year), cursor.take(UInt8(ascii: "-")), cursor.digits(2, into: &time.month),
            cursor.take(UInt8(ascii: "-")), cursor.digits(2, into: &time.day)
        else { return nil }
        if cursor.isAtEnd { return time.milliseconds }
        guard cursor.take(UInt8(ascii: "T")) || cursor.take(UInt8(ascii: " ")), cursor.digits(2, into: &time.hour),
            cursor.take(UInt8(ascii: ":")), cursor.digits(2, into: &time.minute)
        else { return nil }
        if cursor.take(UInt8(ascii: ":")) {
            guard cursor.digits(2, into: &time.second) else { return nil }
            if cursor.take(UInt8(ascii: ".")), !cursor.fraction(into: &time.millisecond) { return nil }
        }
        if !cursor.isAtEnd, !cursor.zone(into: &zoneMinutes) { return nil }
        guard cursor.isAtEnd else { return nil }
        return time.milliseconds.map { $0 - Int64(zoneMinutes) * 60_000 }
    }
}

/// Reads parts of a time from a text.
private struct TimeCursor {
    let text: [UInt8]
    var offset = 0

    init(text: [UInt8]) {
        self.text = text
    }

    var isAtEnd: Bool { self.offset == self.text.count }

    mutating func take(_ byte: UInt8) -> Bool {
        guard self.offset < self.text.count, self.text[self.offset] == byte else { return false }
        self.offset += 1
        return true
    }

    mutating func digits(_ count: Int, into number: inout Int) -> Bool {
        guard self.offset + count <= self.text.count else { return false }
        var result = 0
        for byte in self.text[self.offset..<(self.offset + count)] {
            guard byte &- UInt8(ascii: "0") < 10 else { return false }
            result = result * 10 + Int(byte - UInt8(ascii: "0"))
        }
        self.offset += count
        number = result
        return true
    }

    /// Digits after a point: the first three count.
    mutating func fraction(into milliseconds: inout Int) -> Bool {
        let digits = self.text[self.offset...].prefix { $0 &- UInt8(ascii: "0") < 10 }
        guard !digits.isEmpty else { return false }
        var result = 0
        for index in 0..<3 {
            result = result * 10 + (index < digits.count ? Int(digits[digits.startIndex + index] - 0x30) : 0)
        }
        self.offset += digits.count
        milliseconds = result
        return true
    }

    mutating func name(of names: [String], into number: inout Int) -> Bool {
        for (index, name) in names.enumerated() where self.text[self.offset...].starts(with: name.utf8) {
            self.offset += name.utf8.count
            number = index + 1
            return true
        }
        return false
    }

    /// `Z`, `+hh:mm` or `+hhmm`.
    mutating func zone(into minutes: inout Int) -> Bool {
        if self.take(UInt8(ascii: "Z")) { return true }
        let isNegative = self.take(UInt8(ascii: "-"))
        guard isNegative || self.take(UInt8(ascii: "+")) else { return false }
        var hour = 0
        var minute = 0
        guard self.digits(2, into: &hour) else { return false }
        _ = self.take(UInt8(ascii: ":"))
        guard self.digits(2, into: &minute), hour < 24, minute < 60 else { return false }
        minutes = (hour * 60 + minute) * (isNegative ? -1 : 1)
        return true
    }
}
