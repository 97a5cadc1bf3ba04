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

    /// Says, at the first job, that none of several jobs will run, since none is ever submitted; nil if that isn't so.
    ///
    /// One job alone is submitted by itself.
    package func submissionProblem(_ severity: Diagnostic.Severity) -> Diagnostic? {
        let jobs = self.forms.compactMap { form -> (name: String, range: SourceRange)? in
            if case .defineJob(let job) = form.kind { (job.name, form.range) } else { nil }
        }
        guard jobs.count > 1, let first = jobs.first, !self.submitsJobs else { return nil }
        return Diagnostic(
            severity,
            "no-submission",
            "the program defines \(jobs.count) jobs and submits none, so that none runs",
            help: "add (submit-job \(first.name)) for each that is to run: only a job that is alone runs by itself",
            at: first.range
        )
    }
}
