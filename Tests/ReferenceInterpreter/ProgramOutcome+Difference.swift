import FluentSyntax

extension ProgramOutcome {
    /// What another way of running the program showed differently; nil if nothing.
    ///
    /// A run that hit a limit isn't compared, nor are the ones after it: limits count other things elsewhere.
    package func difference(from other: ProgramOutcome) -> String? {
        for (index, (left, right)) in zip(self.runs, other.runs).enumerated() {
            if left.isLimited || right.isLimited { return nil }
            guard let difference = left.difference(from: right) else { continue }
            return "run \(index): \(difference)"
        }
        guard self.runs.count == other.runs.count else {
            return "\(self.runs.count) runs against \(other.runs.count)"
        }
        return nil
    }
}

extension ProgramOutcome.Run {
    fileprivate var isLimited: Bool {
        if case .failure(let error) = self.result { !error.isCatchable } else { false }
    }

    fileprivate func difference(from other: ProgramOutcome.Run) -> String? {
        let left = Self.written(self.result)
        let right = Self.written(other.result)
        guard Self.areEqual(left, right) else { return "\(left) against \(right)" }
        let emitted = self.emitted.map(Self.written)
        let otherEmitted = other.emitted.map(Self.written)
        let index = zip(emitted, otherEmitted).enumerated().first { !Self.areEqual($0.element.0, $0.element.1) }?.offset
        guard index != nil || emitted.count != otherEmitted.count else { return nil }
        let position = index ?? min(emitted.count, otherEmitted.count)
        let one = emitted.indices.contains(position) ? emitted[position] : "nothing"
        let another = otherEmitted.indices.contains(position) ? otherEmitted[position] : "nothing"
        return "emitted pair \(position): \(one) against \(another)"
    }

    /// A caught error of `parse-json` says what is wrong with the text, which is prose of each implementation.
    private static func areEqual(_ left: String, _ right: String) -> Bool {
        left == right || [left, right].allSatisfy { $0.contains("invalid-argument") && $0.contains("parse-json") }
    }

    private static func written(_ result: Result<ReferenceValue, EvaluationError>) -> String {
        switch result {
        case .success(let value): Self.bytes(value.written)
        case .failure(let error): "\(error.code.withoutProse) at \(error.range.start)..<\(error.range.end)"
        }
    }

    private static func written(_ entry: ReferenceEntry) -> String {
        Self.bytes(Text(joining: [entry.key.normalisedAsKey.written, Text(" → "), entry.value.written]))
    }

    /// As it is, with the bytes behind it where they aren't UTF-8, so that different ones never look the same.
    private static func bytes(_ text: Text) -> String {
        String(validating: text.bytes, as: UTF8.self) ?? "\(text.string) = \(text.bytes)"
    }
}

extension EvaluationError.Code {
    /// What is wrong with a JSON text is prose: each implementation has its own.
    fileprivate var withoutProse: EvaluationError.Code {
        if case .invalidArgument(Builtin.parseJSON.name, _) = self {
            .invalidArgument(operation: Builtin.parseJSON.name, reason: "")
        } else {
            self
        }
    }
}
