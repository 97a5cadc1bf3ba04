internal import ConnectorKit
internal import CoordinationCore
internal import Engine
internal import FluentSyntax

/// Turns what went wrong in a stage into what people read.
struct FailureText {
    let source: SourceFile

    func failure(of error: EngineError) -> JobFailure {
        switch error {
        case .evaluation(let error, let place):
            JobFailure(.userError, message: self.text(of: error, at: place))
        case .undecodable(let reason, let place):
            JobFailure(
                .userError,
                message:
                    "can't decode the record at \(Self.text(of: place)): \(reason); :on-error 'skip leaves such records out"
            )
        case .unreadable(let resource, let reason):
            JobFailure(.userError, message: "\(resource): \(reason)")
        case .connector(let error):
            LocalJob.failure(of: error)
        case .spill(let error):
            JobFailure(.permanent, message: error.message)
        case .corrupt(let reason):
            JobFailure(.permanent, message: "internal error: \(reason)")
        case .cancelled:
            JobFailure(.permanent, message: "the job was cancelled")
        }
    }

    /// The message with the place in the input and the line of the program.
    private func text(of error: EvaluationError, at place: RecordPlace) -> String {
        let diagnostic = Diagnostic(
            .error,
            error.code.name,
            error.code.message(evaluating: place.isGroup ? "one key" : "one record"),
            help: place.isGroup
                ? "it was working on \(place.resource)" : "it was evaluating the record at \(Self.text(of: place))",
            at: error.range
        )
        return DiagnosticRenderer(source: self.source).text(diagnostic)
    }

    /// A record that was left out: where it is and why.
    static func text(of record: RejectedRecord) -> String {
        "\(self.text(of: record.place)): \(record.reason)"
    }

    private static func text(of place: RecordPlace) -> String {
        place.isGroup ? place.resource : "\(place.resource), offset \(place.offset)"
    }
}
