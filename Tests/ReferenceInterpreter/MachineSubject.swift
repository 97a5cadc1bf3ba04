package import FluentSyntax
internal import Engine

/// Runs programs on the machine, for comparison with the interpreter.
package enum MachineSubject {
    /// Shrinking makes endless loops, which should end soon.
    private static let limits = MachineLimits(steps: 300_000, memoryBytes: 64 << 20, callDepth: 1_000)
    private static let mapName = "generated-map"
    private static let keyName = "generated-key"
    private static let lineName = "generated-line"

    /// Nil if the checker or the compiler refuses the program.
    package static func outcome(of program: GeneratedProgram) -> ProgramOutcome? {
        guard let checked = Frontend.check(program.source).program else { return nil }
        var compiler = ProgramCompiler()
        let forms = checked.forms.map(Self.withoutJob)
        let callForm = program.kind == .mapLambda ? [Self.mapCall] : []
        let whole = Program(source: checked.source, forms: forms + callForm)
        guard let compiled = try? compiler.add(whole) else { return nil }
        var machine = Machine(program: compiler.finish(), limits: Self.limits, host: CollectingHost())
        var runs: [ProgramOutcome.Run] = []
        for case .expression(let function, _, _) in compiled.prefix(forms.count) {
            machine.beginForm()
            let run = Self.run(function, on: &machine)
            let isLast = runs.count == forms.count - 1
            runs.append(run)
            if case .failure = run.result { return ProgramOutcome(runs: [run]) }
            if isLast, program.kind == .expression { return ProgramOutcome(runs: [run]) }
        }
        guard case .expression(let call, _, _)? = compiled.last else { return nil }
        return ProgramOutcome(runs: Self.runLines(program.lines, call, on: &machine))
    }

    /// What each top-level form of a program without jobs gives; nil if it is refused.
    package static func results(of source: SourceFile) -> [Result<ReferenceValue, EvaluationError>]? {
        guard let checked = Frontend.check(source).program else { return nil }
        var compiler = ProgramCompiler()
        guard let compiled = try? compiler.add(checked) else { return nil }
        var machine = Machine(program: compiler.finish(), limits: Self.limits, host: CollectingHost())
        var results: [Result<ReferenceValue, EvaluationError>] = []
        for case .expression(let function, _, _) in compiled {
            machine.beginForm()
            results.append(Self.run(function, on: &machine).result)
        }
        return results
    }

    private static func runLines(
        _ lines: [[UInt8]],
        _ call: FunctionIndex,
        on machine: inout Machine<CollectingHost>
    ) -> [ProgramOutcome.Run] {
        var offset: Int64 = 0
        var runs: [ProgramOutcome.Run] = []
        for line in lines {
            machine.host.forget()
            machine.beginForm()
            let run = unsafe line.withUnsafeBytes { bytes -> ProgramOutcome.Run in
                // An empty line has no address; any will do where nothing is read.
                let address = unsafe bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped
                machine.setGlobal(Self.keyName, to: Value(offset))
                machine.setGlobal(Self.lineName, to: unsafe Value(.string, text: address, count: bytes.count))
                return Self.run(call, on: &machine)
            }
            runs.append(run)
            offset += Int64(line.count) + 1
        }
        return runs
    }

    private static func run(
        _ function: FunctionIndex,
        on machine: inout Machine<CollectingHost>
    ) -> ProgramOutcome.Run {
        let result: Result<ReferenceValue, EvaluationError>
        do throws(EvaluationError) {
            result = .success(try ReferenceValue.copied(try machine.call(function), at: GeneratedProgram.callRange))
        } catch {
            result = .failure(error)
        }
        return ProgramOutcome.Run(result: result, emitted: machine.host.emitted)
    }

    /// A job's `:map` as a definition, so that it can be called without an engine.
    private static func withoutJob(_ form: Expression) -> Expression {
        guard case .defineJob(let job) = form.kind, let map = job.options.first(where: { $0.name == "map" }) else {
            return form
        }
        return Expression(.define(Self.mapName, map.value), range: form.range)
    }

    private static var mapCall: Expression {
        let range = GeneratedProgram.callRange
        let arguments = [Self.keyName, Self.lineName].map { Expression(.global($0), range: range) }
        return Expression(
            .call(function: Expression(.global(Self.mapName), range: range), arguments: arguments),
            range: range
        )
    }
}
