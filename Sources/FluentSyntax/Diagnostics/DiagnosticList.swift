/// Collects what is wrong with one program, up to a limit.
struct DiagnosticList {
    /// More than this many are of no use to a reader: the rest is counted, not kept.
    static let countLimit = 200

    private(set) var diagnostics: [Diagnostic] = []
    private(set) var hasErrors = false
    private var droppedCount = 0

    /// Whether anything reported from now on is only counted.
    var isFull: Bool { self.diagnostics.count >= Self.countLimit }

    mutating func error(_ code: String, _ message: String, help: String = "", at range: SourceRange) {
        self.add(Diagnostic(.error, code, message, help: help, at: range))
    }

    mutating func warning(_ code: String, _ message: String, help: String = "", at range: SourceRange) {
        self.add(Diagnostic(.warning, code, message, help: help, at: range))
    }

    /// Whether an error was reported inside `range`: what stands there was replaced, and says nothing.
    func hasError(in range: SourceRange) -> Bool {
        self.diagnostics.contains {
            $0.severity == .error && $0.range.start >= range.start && $0.range.end <= range.end
        }
    }

    mutating func add(_ diagnostic: Diagnostic) {
        if diagnostic.severity == .error { self.hasErrors = true }
        guard !self.isFull else {
            self.droppedCount += 1
            return
        }
        self.diagnostics.append(diagnostic)
    }

    /// What was collected, by position; at one position errors come first.
    ///
    /// The last one says how many were left out, if any were.
    func sorted() -> [Diagnostic] {
        let numbered = self.diagnostics.enumerated().sorted { left, right in
            let (first, second) = (left.element, right.element)
            if first.range.start != second.range.start { return first.range.start < second.range.start }
            if first.severity != second.severity { return first.severity == .error }
            return left.offset < right.offset
        }
        var sorted = numbered.map(\.element)
        if self.droppedCount > 0, let last = sorted.last {
            sorted.append(
                Diagnostic(
                    .error,
                    "too-many-problems",
                    "\(self.droppedCount) more problems aren't shown",
                    help: "correct the first ones and check again",
                    at: SourceRange(start: last.range.end, end: last.range.end)
                )
            )
        }
        return sorted
    }
}
