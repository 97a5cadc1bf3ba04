internal import Engine
internal import FluentSyntax
internal import JobPlan
internal import JobService

/// Evaluates the top-level forms of a program, one after the other.
struct ProgramEvaluation: ~Copyable {
    private let context: ProgramContext
    private let forms: [TopLevelForm]
    private var machine: Machine<ProgramHost>
    private(set) var definitions: [ProgramDefinition] = []

    /// Whether the program itself says when jobs are submitted.
    private let submitsJobs: Bool

    init(_ program: Program, context: ProgramContext) throws(ProgramProblem) {
        var compiler = ProgramCompiler()
        do {
            self.forms = try compiler.add(program)
        } catch {
            throw .refused([error.diagnostic])
        }
        self.context = context
        self.submitsJobs = program.submitsJobs
        self.machine = Machine(
            program: compiler.finish(),
            limits: MachineLimits(
                steps: context.options.recordSteps,
                memoryBytes: context.options.recordMemoryBytes ?? MachineLimits().memoryBytes
            ),
            host: ProgramHost(context: context)
        )
        self.machine.stop(when: { [context] in context.wasCancelled })
    }

    /// Evaluates the forms in order; `onlyDefinitions` leaves out those that only have effects.
    mutating func run(onlyDefinitions: Bool) throws(ProgramProblem) {
        for form in self.forms {
            if self.context.wasCancelled { return }
            switch form {
            case .expression(let function, let isDefinition, _):
                if !onlyDefinitions || isDefinition { try self.evaluate(function) }
            case .job(let form, let options, let range):
                try self.define(form, options, at: range)
            }
        }
    }

    private mutating func evaluate(_ function: FunctionIndex) throws(ProgramProblem) {
        do {
            self.machine.beginForm()
            _ = try self.machine.call(function)
        } catch {
            // Nothing went wrong, and no other form is evaluated.
            if error.code == .cancelled, self.context.wasCancelled { return }
            throw self.problem(error)
        }
    }

    private mutating func define(
        _ form: JobForm,
        _ options: [TopLevelForm.JobOption],
        at range: SourceRange
    ) throws(ProgramProblem) {
        var values: [String: Constant] = [:]
        for option in options {
            do {
                self.machine.beginForm()
                let value = try self.machine.call(option.value)
                values[option.name] = try self.machine.export(value, at: range)
            } catch {
                throw self.problem(error)
            }
        }
        do {
            let definition: ProgramDefinition =
                form.kind.isStream
                ? .stream(try StreamDefinition(form: form, values: values, range: range))
                : .job(try JobDefinition(form: form, values: values, range: range))
            self.definitions.append(definition)
            let handle = self.machine.host.add(.definition(definition))
            self.machine.setGlobal(form.name, to: handle)
        } catch {
            throw .refused(error.problems)
        }
    }

    /// A program that defines one job and submits none means that one; one that has decided not to submit it doesn't.
    mutating func submitOnlyJob() throws(ProgramProblem) {
        guard !self.submitsJobs, !self.context.hasSubmitted, !self.context.wasCancelled else { return }
        guard let only = self.definitions.first, self.definitions.count == 1 else { return }
        do {
            switch only {
            case .job(let job): _ = try self.context.start(job, at: job.range)
            case .stream(let stream): _ = try self.context.start(stream, at: stream.range)
            }
        } catch {
            throw self.problem(error)
        }
    }

    /// What is wrong with the command line, or what people read: a job that failed has said where already.
    private func problem(_ error: EvaluationError) -> ProgramProblem {
        if case .host(let message) = error.code, message.hasPrefix("job ") { return .failed(message) }
        if case .unsetParameter = error.code { return .refused([error.diagnostic]) }
        let message = error.code.message(evaluating: "this top-level form")
        let diagnostic = Diagnostic(.error, error.code.name, message, at: error.range)
        return .failed(DiagnosticRenderer(source: self.context.source).text(diagnostic))
    }
}

extension EvaluationError {
    fileprivate var diagnostic: Diagnostic {
        Diagnostic(.error, self.code.name, self.code.message, at: self.range)
    }
}
