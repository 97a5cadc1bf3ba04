internal import ConnectorKit
private import Glibc

/// How the parts of a stream are put into directories by the event time of their records, in UTC.
enum DatedDirectories: String, CaseIterable, Sendable {
    /// `2026-03-01T14`
    case hourly
    /// `2026-03-01`
    case daily

    private static let hour: Int64 = 3_600_000
    private static let day: Int64 = 24 * Self.hour

    /// Milliseconds of event time in one directory.
    private var size: Int64 { self == .hourly ? Self.hour : Self.day }

    /// Which directory a time belongs to: those of later times have larger numbers.
    func number(of time: Int64) -> Int64 { Self.quotient(time, self.size) }

    func name(_ number: Int64) -> String {
        let start = number * self.size
        let days = Self.quotient(start, Self.day)
        let date = Self.date(ofDay: days)
        guard self == .hourly else { return date }
        return "\(date)T\(Self.padded((start - days * Self.day) / Self.hour, 2))"
    }

    /// Rounded down, also where the dividend is negative.
    private static func quotient(_ dividend: Int64, _ divisor: Int64) -> Int64 {
        let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// The date that lies so many days behind the first of January 1970.
    ///
    /// Source: Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    private static func date(ofDay day: Int64) -> String {
        let shifted = day + 719_468
        let era = Self.quotient(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * month + 2) / 5 + 1
        let isNextYear = month >= 10
        let year = yearOfEra + era * 400 + (isNextYear ? 1 : 0)
        let monthOfYear = isNextYear ? month - 9 : month + 3
        return "\(Self.padded(year, 4))-\(Self.padded(monthOfYear, 2))-\(Self.padded(dayOfMonth, 2))"
    }

    private static func padded(_ number: Int64, _ count: Int) -> String {
        let digits = String(abs(number))
        return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, count - digits.count)) + digits
    }

    /// Whether a directory of this name may be one.
    static func isName(_ name: String) -> Bool {
        let digits = name.utf8.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) ? UInt8(ascii: "0") : $0 }
        let shape = String(decoding: digits, as: UTF8.self)
        return shape == "0000-00-00" || shape == "0000-00-00T00"
    }
}

extension OutputDirectory {
    /// Between the directory and the name of a part in a run's own directory, which has no directories in it.
    private static let separator: Character = "@"

    /// What a part that belongs into a directory is called in a run's own one.
    static func stagedName(_ name: String, in directory: String) -> String { "\(directory)\(Self.separator)\(name)" }

    /// Where a part belongs by its name in a run's own directory; nil where it is no part.
    static func place(of stagedName: String) -> (directory: String?, name: String)? {
        let fields = stagedName.split(separator: Self.separator, omittingEmptySubsequences: false).map(String.init)
        guard let name = fields.last, Self.isOutput(name), fields.count <= 2 else { return nil }
        guard fields.count == 2 else { return (nil, name) }
        return DatedDirectories.isName(fields[0]) ? (fields[0], name) : nil
    }

    /// The dated directories that hold nothing but parts.
    func datedDirectories() throws(ConnectorError) -> [String] {
        var directories: [String] = []
        for name in try self.names() where DatedDirectories.isName(name) {
            guard try Self.status(self.file(name), followsLinks: false)?.kind == .directory else { continue }
            let inside = try OutputDirectory(path: self.file(name)).names()
            if inside.allSatisfy({ Self.isOutput($0) }) { directories.append(name) }
        }
        return directories
    }

    /// Removes dated directories with the parts in them.
    func removeDated() throws(ConnectorError) {
        for directory in try self.datedDirectories() {
            let inner = OutputDirectory(path: self.file(directory))
            for name in try inner.names() { try inner.remove(inner.file(name)) }
            guard unsafe rmdir(inner.path) == 0 || errno == ENOENT else {
                throw SystemFailure.last.error("remove '\(inner.path)'")
            }
        }
    }

    /// Makes a directory in it, unless it is there.
    func makeDirectory(_ name: String) throws(ConnectorError) {
        guard unsafe mkdir(self.file(name), 0o777) == 0 || errno == EEXIST else {
            throw SystemFailure.last.error("create the directory '\(self.file(name))'")
        }
    }
}

/// Writes the parts of one subtask, for each epoch one or a few for each directory that gets something.
final class DatedStreamWriter: StreamWriter {
    private struct Draft {
        let path: String
        let directory: Int64
        /// Nil where it is finished.
        var part: PartWriter?
        var usedAt: Int
    }

    private let root: String
    private let stageName: String
    private let subtask: Int
    private let options: PathSinkOptions
    private let directories: DatedDirectories
    private var drafts: [Draft] = []
    private var open: [Int64: Int] = [:]
    private var draftCount = 0
    private var useCount = 0

    /// Parts that are open at once; beyond it the one that got nothing for longest is finished.
    private static let openLimit = 64

    init(root: String, stageName: String, subtask: Int, options: PathSinkOptions, directories: DatedDirectories) {
        self.root = root
        self.stageName = stageName
        self.subtask = subtask
        self.options = options
        self.directories = directories
    }

    func write(_ records: OutputBlock, from first: Int) throws(ConnectorError) -> Int {
        for index in first..<records.count {
            // A typed error can't pass through the closure's rethrow.
            let result = unsafe records.withRecord(index) { _, value, time in
                Result { () throws(ConnectorError) in
                    guard let time, let value = unsafe value else {
                        let message = "a record without an event time belongs into no dated directory"
                        throw ConnectorError(.user, retry: .never, message)
                    }
                    try unsafe self.part(self.directories.number(of: time)).write(value)
                }
            }
            try result.get()
        }
        return records.count - first
    }

    private func part(_ directory: Int64) throws(ConnectorError) -> PartWriter {
        self.useCount += 1
        if let number = self.open[directory], let part = self.drafts[number].part {
            self.drafts[number].usedAt = self.useCount
            return part
        }
        try self.finishOldest()
        let draft = "\(self.stageName)/draft-\(self.subtask)-\(self.draftCount)"
        self.draftCount += 1
        let path = FileFinder.join(self.root, draft)
        let part = try PartWriter(
            path: path,
            token: draft,
            partition: self.subtask,
            attempt: 0,
            options: PathSinkOptions(compresses: self.options.compresses, isDurable: true)
        )
        self.open[directory] = self.drafts.count
        self.drafts.append(Draft(path: path, directory: directory, part: part, usedAt: self.useCount))
        return part
    }

    private func finishOldest() throws(ConnectorError) {
        guard self.open.count >= Self.openLimit else { return }
        let oldest = self.open.values.min { self.drafts[$0].usedAt < self.drafts[$1].usedAt }
        guard let oldest, let part = self.drafts[oldest].part else { return }
        _ = try part.finish()
        self.drafts[oldest].part = nil
        self.open[self.drafts[oldest].directory] = nil
    }

    func flush() throws(ConnectorError) -> Bool { true }

    func endEpoch(_ checkpoint: Int64) throws(ConnectorError) -> [String] {
        guard !self.drafts.isEmpty else { return [] }
        var tokens: [String] = []
        var counts: [Int64: Int] = [:]
        for draft in self.drafts {
            _ = try draft.part?.finish()
            counts[draft.directory, default: 0] += 1
            let count = counts[draft.directory] ?? 1
            let suffix = (count == 1 ? "" : ".\(count)") + (self.options.compresses ? ".zst" : "")
            let name = OutputDirectory.streamPartName(subtask: self.subtask, epoch: checkpoint) + suffix
            let staged = OutputDirectory.stagedName(name, in: self.directories.name(draft.directory))
            let token = "\(self.stageName)/\(staged)"
            let to = FileFinder.join(self.root, token)
            guard unsafe rename(draft.path, to) == 0 else {
                throw SystemFailure.last.error("rename '\(draft.path)' to '\(to)'")
            }
            tokens.append(token)
        }
        do {
            // The checkpoint that is about to exist relies on the names.
            try OpenFile(directory: FileFinder.join(self.root, self.stageName)).synchronize()
        } catch {
            throw error.error("make the parts of checkpoint \(checkpoint) in '\(self.root)' durable")
        }
        self.drafts.removeAll()
        self.open.removeAll()
        return tokens
    }

    func close() {
        for draft in self.drafts { unsafe unlink(draft.path) }
        self.drafts.removeAll()
        self.open.removeAll()
    }
}
