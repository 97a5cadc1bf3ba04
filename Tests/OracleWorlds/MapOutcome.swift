package import FluentSyntax

/// What running a job showed.
package enum MapOutcome {
    case written(Written)
    /// One of these stopped it: several where no order is promised in which keys are reduced.
    case failed([Failure])
    /// Something that no lambda can cause.
    case broken(String)
    /// A limit was hit, which worlds count differently: nothing to compare.
    case limited

    package struct Written {
        /// With a reduce one part of all lines, sorted; without one a part for each subtask, its lines as they come.
        package var parts: [[[UInt8]]] = []
        package var recordCount = 0
        package var pairCount = 0

        /// Records, and keys, that the policy left out.
        package var rejectedCount = 0

        /// The first records that each subtask left out.
        package var rejected: [Failure] = []
    }

    package struct Failure {
        package let place: String
        package let reason: String
        package let range: SourceRange?
    }
}

extension MapOutcome.Failure {
    init(_ error: EvaluationError, at place: String) {
        self.place = place
        self.reason = error.code.message
        self.range = error.range
    }

    fileprivate func isSame(as other: Self) -> Bool {
        self.place == other.place && self.range == other.range && self.reason == other.reason
    }

    fileprivate var text: String {
        let range = self.range.map { "\($0.start)..<\($0.end)" } ?? "nowhere"
        return "'\(self.reason)' at \(range), \(self.place)"
    }
}

extension MapOutcome {
    var isLimited: Bool { if case .limited = self { true } else { false } }

    /// What an engine showed differently from this, which is the reference; nil if nothing.
    package func difference(from engine: MapOutcome) -> String? {
        switch (self, engine) {
        case (.limited, _), (_, .limited): nil
        case (.written(let expected), .written(let found)): expected.difference(from: found)
        case (.failed(let expected), .failed(let found)):
            found.allSatisfy { failure in expected.contains { $0.isSame(as: failure) } }
                ? nil : "\(self.text) against \(engine.text)"
        default: "\(self.text) against \(engine.text)"
        }
    }

    private var text: String {
        switch self {
        case .written(let written): "\(written.parts.reduce(0) { $0 + $1.count }) lines"
        case .failed(let failures): failures.prefix(3).map(\.text).joined(separator: ", or ")
        case .broken(let reason): "broken: \(reason)"
        case .limited: "a limit"
        }
    }
}

extension MapOutcome.Written {
    fileprivate func difference(from other: Self) -> String? {
        let counts = [self.recordCount, self.pairCount, self.rejectedCount]
        let otherCounts = [other.recordCount, other.pairCount, other.rejectedCount]
        if counts != otherCounts { return "records, pairs and rejected: \(counts) against \(otherCounts)" }
        guard self.parts.count == other.parts.count else { return "\(self.parts.count) parts: \(other.parts.count)" }
        for (part, lines) in self.parts.enumerated() where lines != other.parts[part] {
            let found = other.parts[part]
            let line = zip(lines, found).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            let index = line ?? min(lines.count, found.count)
            return "part \(part), line \(index): \(Self.text(lines, index)) against \(Self.text(found, index))"
        }
        let isSame =
            self.rejected.count == other.rejected.count
            && zip(self.rejected, other.rejected).allSatisfy { $0.isSame(as: $1) }
        let texts = [self.rejected, other.rejected].map { $0.map(\.text).joined(separator: ", ") }
        return isSame ? nil : "rejected: \(texts[0]) against \(texts[1])"
    }

    private static func text(_ lines: [[UInt8]], _ index: Int) -> String {
        guard lines.indices.contains(index) else { return "nothing" }
        return String(validating: lines[index], as: UTF8.self).map { "\"\($0)\"" } ?? "\(lines[index])"
    }
}
