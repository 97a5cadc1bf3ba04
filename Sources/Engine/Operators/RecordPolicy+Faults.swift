internal import FluentSyntax
internal import JobPlan

extension RecordPolicy {
    /// Whether a record or a key that fails so is passed over.
    ///
    /// A fault of the program as a whole is no record's: it would reject them all, and look like success.
    func passes(over error: EvaluationError) -> Bool { self != .fail && !error.code.isProgramFault }

    func passes(over error: EngineError) -> Bool {
        guard case .evaluation(let cause, _) = error else { return self != .fail }
        return self.passes(over: cause)
    }
}
