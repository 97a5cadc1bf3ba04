package import FluentSyntax

extension Program {
    /// Whether it submits jobs by itself anywhere, if only under a condition or in a function.
    package var submitsJobs: Bool {
        self.forms.contains { form in
            form.containsAny { expression in
                switch expression.kind {
                case .builtin(.submitJob, _), .constant(.builtin(.submitJob)): true
                default: false
                }
            }
        }
    }
}
