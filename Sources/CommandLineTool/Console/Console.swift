import Synchronization

/// What a command says, in the order in which it says it.
///
/// Keeps results, notes and progress bars from running into each other where they share a terminal.
///
/// Isolation: any thread may call anything.
final class Console: Sendable {
    /// Results that aren't written yet at most, unless they go to a terminal, which gets them line by line.
    private static let pendingLimit = 64 * 1_024

    private let streams: any OutputStreams
    private let shape: any ConsoleShape
    private let state = Mutex(State())

    private struct State {
        var pending: [UInt8] = []
        /// Bars on the screen; the cursor stands at the beginning of the first.
        var barCount = 0
        var outputFailure: OutputFailure?
    }

    init(streams: any OutputStreams, shape: any ConsoleShape) {
        self.streams = streams
        self.shape = shape
    }

    /// Whether bars can be drawn.
    var showsBars: Bool { self.shape.isNotesTerminal }

    var columnCount: Int { self.shape.columnCount }

    /// Whether notes may be coloured.
    var usesColor: Bool { self.shape.usesColor }

    /// The first thing that went wrong with standard output, from which on nothing is written to it.
    var outputFailure: OutputFailure? { self.state.withLock { $0.outputFailure } }

    /// Writes a line of results.
    func write(_ line: String) {
        self.write(line: Array(line.utf8))
    }

    /// Writes whole lines of results, or nothing.
    func write(text: String) {
        guard !text.isEmpty else { return }
        let bytes = Array(text.utf8)
        self.write(line: bytes.last == UInt8(ascii: "\n") ? Array(bytes.dropLast()) : bytes)
    }

    /// Writes a line of results, given without its end.
    func write(line: [UInt8]) {
        self.state.withLock { state in
            guard state.outputFailure == nil else { return }
            state.pending += line
            state.pending.append(UInt8(ascii: "\n"))
            if self.shape.isResultsTerminal || state.pending.count >= Self.pendingLimit { self.flush(&state) }
        }
    }

    /// Says something to people: lines, given without the end of the last.
    func note(_ text: String) {
        self.note(line: Array(text.utf8))
    }

    /// As ``note(_:)``, for text that may not be UTF-8.
    func note(line: [UInt8]) {
        self.state.withLock { state in
            // Results that were there before come before, also where both streams are one.
            self.flush(&state)
            self.erase(&state)
            self.writeNote(line + [UInt8(ascii: "\n")])
        }
    }

    /// Replaces the bars on the screen, each shorter than a line of it.
    func draw(_ bars: [String]) {
        self.state.withLock { state in
            self.flush(&state)
            if bars.count != state.barCount { self.erase(&state) }
            guard !bars.isEmpty else { return }
            var text = bars.map { "\($0)\u{1B}[K" }.joined(separator: "\n") + "\r"
            if bars.count > 1 { text += "\u{1B}[\(bars.count - 1)A" }
            self.writeNote(Array(text.utf8))
            state.barCount = bars.count
        }
    }

    /// Writes what is pending and removes the bars.
    func flush() {
        self.state.withLock { state in
            self.flush(&state)
            self.erase(&state)
        }
    }

    private func flush(_ state: inout State) {
        guard !state.pending.isEmpty else { return }
        if self.shape.isResultsTerminal { self.erase(&state) }
        do {
            try self.streams.write(state.pending, to: .results)
        } catch {
            state.outputFailure = error
        }
        state.pending.removeAll(keepingCapacity: true)
    }

    private func erase(_ state: inout State) {
        guard state.barCount > 0 else { return }
        self.writeNote(Array("\r\u{1B}[J".utf8))
        state.barCount = 0
    }

    private func writeNote(_ bytes: [UInt8]) {
        // Nobody is left to be told that standard error can't be written.
        try? self.streams.write(bytes, to: .notes)
    }
}
