/// Where a program's bytes go.
protocol OutputStreams: Sendable {
    /// Writes all of `bytes`.
    func write(_ bytes: [UInt8], to stream: OutputChannel) throws(OutputFailure)
}

enum OutputChannel: Hashable, Sendable {
    /// Standard output: results, and only those.
    case results
    /// Standard error: everything that is said to people.
    case notes
}

/// Why something couldn't be written.
struct OutputFailure: Error, Hashable, Sendable {
    /// Whoever read it has gone away, as `head` does.
    let isBrokenPipe: Bool
    let message: String
}

/// What is at the other end.
protocol ConsoleShape: Sendable {
    var isResultsTerminal: Bool { get }
    var isNotesTerminal: Bool { get }

    /// Of the terminal behind standard error, now: windows change their size.
    var columnCount: Int { get }

    /// Whether colours are wanted there.
    var usesColor: Bool { get }
}

extension ConsoleShape {
    var usesColor: Bool { false }
}
