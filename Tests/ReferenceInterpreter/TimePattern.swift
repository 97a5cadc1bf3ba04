/// A pattern of `parse-time` and `format-time`: letters for fields, anything else stands for itself.
struct TimePattern {
    private enum Field {
        case year
        case month
        case monthName
        case day
        case hour
        case minute
        case second
        case millisecond
        case zone
        case literal(Character)
    }

    private static let letters: [(String, Field)] = [
        ("yyyy", .year), ("MMM", .monthName), ("MM", .month), ("dd", .day), ("HH", .hour), ("mm", .minute),
        ("SSS", .millisecond), ("ss", .second), ("Z", .zone),
    ]
    private static let monthNames = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private var fields: [Field] = []

    init(_ pattern: String) {
        var rest = pattern[...]
        while let character = rest.first {
            if let (letters, field) = Self.letters.first(where: { rest.hasPrefix($0.0) }) {
                self.fields.append(field)
                rest = rest.dropFirst(letters.count)
            } else if character == "'" {
                let quoted = rest.dropFirst().prefix { $0 != "'" }
                // Two quotes in a row are one quote.
                self.fields += quoted.isEmpty ? [.literal("'")] : quoted.map { .literal($0) }
                rest = rest.dropFirst(quoted.count + 2)
            } else {
                self.fields.append(.literal(character))
                rest = rest.dropFirst()
            }
        }
    }

    /// Nil when the text doesn't fit the pattern or names a time that doesn't exist.
    func milliseconds(of text: String) -> Int64? {
        var rest = text[...]
        var moment = Moment()
        for field in self.fields {
            guard Self.read(field, from: &rest, into: &moment) else { return nil }
        }
        return rest.isEmpty ? moment.milliseconds : nil
    }

    /// Nil outside the years 0 to 9999.
    func text(of milliseconds: Int64) -> String? {
        guard let moment = Moment(milliseconds: milliseconds) else { return nil }
        return self.fields.map { Self.written($0, moment) }.joined()
    }

    static func millisecondsOfISO8601(_ text: String) -> Int64? {
        let shape =
            /([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(?:\.([0-9]+))?(Z|[+-][0-9]{2}:?[0-9]{2})?)?/
        guard let match = text.wholeMatch(of: shape)?.output else { return nil }
        // A fraction belongs to seconds.
        if match.4 != nil, match.3 == nil { return nil }
        let milliseconds = ((match.4 ?? "") + "000").prefix(3)
        let full = "\(match.1)T\(match.2 ?? "00:00")\(match.3 ?? ":00").\(milliseconds)\(match.5 ?? "Z")"
        return TimePattern("yyyy-MM-ddTHH:mm:ss.SSSZ").milliseconds(of: full)
    }

    private static func written(_ field: Field, _ moment: Moment) -> String {
        switch field {
        case .year: Self.padded(moment.year, 4)
        case .month: Self.padded(moment.month, 2)
        case .monthName: Self.monthNames[moment.month - 1]
        case .day: Self.padded(moment.day, 2)
        case .hour: Self.padded(moment.hour, 2)
        case .minute: Self.padded(moment.minute, 2)
        case .second: Self.padded(moment.second, 2)
        case .millisecond: Self.padded(moment.millisecond, 3)
        case .zone: "+0000"
        case .literal(let character): String(character)
        }
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func read(_ field: Field, from rest: inout Substring, into moment: inout Moment) -> Bool {
        switch field {
        case .year: Self.read(4, from: &rest, into: &moment.year)
        case .month: Self.read(2, from: &rest, into: &moment.month)
        case .monthName: Self.readMonthName(from: &rest, into: &moment)
        case .day: Self.read(2, from: &rest, into: &moment.day)
        case .hour: Self.read(2, from: &rest, into: &moment.hour)
        case .minute: Self.read(2, from: &rest, into: &moment.minute)
        case .second: Self.read(2, from: &rest, into: &moment.second)
        case .millisecond: Self.read(3, from: &rest, into: &moment.millisecond)
        case .zone: Self.readZone(from: &rest, into: &moment)
        case .literal(let character): rest.popFirst() == character
        }
    }

    private static func read(_ width: Int, from rest: inout Substring, into number: inout Int) -> Bool {
        let digits = rest.prefix(width)
        guard digits.count == width, digits.allSatisfy({ ("0"..."9").contains($0) }), let value = Int(digits) else {
            return false
        }
        number = value
        rest = rest.dropFirst(width)
        return true
    }

    private static func readMonthName(from rest: inout Substring, into moment: inout Moment) -> Bool {
        guard let index = Self.monthNames.firstIndex(of: String(rest.prefix(3))) else { return false }
        moment.month = index + 1
        rest = rest.dropFirst(3)
        return true
    }

    private static func readZone(from rest: inout Substring, into moment: inout Moment) -> Bool {
        guard let sign = rest.popFirst() else { return false }
        if sign == "Z" { return true }
        var hours = 0
        var minutes = 0
        guard sign == "+" || sign == "-", Self.read(2, from: &rest, into: &hours) else { return false }
        if rest.first == ":" { rest.removeFirst() }
        guard Self.read(2, from: &rest, into: &minutes), hours < 24, minutes < 60 else { return false }
        moment.zoneMinutes = (hours * 60 + minutes) * (sign == "-" ? -1 : 1)
        return true
    }
}
