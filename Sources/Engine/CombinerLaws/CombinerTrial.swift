internal import FluentSyntax

/// A job's combiner and reduce, to be called with any values.
struct CombinerTrial: ~Copyable {
    private var machine: Machine<TrialHost>
    private let combiner: FunctionIndex
    private let reduce: FunctionIndex

    /// What one call may cost: values are few and small.
    private static let limits = MachineLimits(steps: 1_000_000, memoryBytes: 64 << 20)

    init(combiner: Closure, reduce: Closure) throws(CompilationError) {
        var compiler = ProgramCompiler()
        let functions = (combiner: try compiler.add(combiner), reduce: try compiler.add(reduce))
        self.combiner = functions.combiner
        self.reduce = functions.reduce
        self.machine = Machine(program: compiler.finish(), limits: Self.limits, host: TrialHost())
    }

    /// The value that stands for these.
    mutating func combined(_ values: [Constant]) throws(EvaluationError) -> Constant {
        self.begin(values)
        var result = try self.machine.call(self.combiner, Value(.stream, bits: 0))
        let range = self.machine.program.functions[self.combiner.rawValue].lambda?.range
        let place = range ?? SourceRange(start: 0, end: 0)
        if result.has(.stream) {
            do throws(EvaluationError.Code) {
                result = try self.machine.materialise(result)
            } catch {
                throw EvaluationError(error, at: place)
            }
        }
        guard let constant = Constant(result) else {
            throw EvaluationError(
                .typeMismatch(
                    operation: "combiner",
                    expected: "a value that can travel",
                    found: result.tag.typeName
                ),
                at: place
            )
        }
        return constant
    }

    /// What the reduce emits for these values, as lists of key and value.
    mutating func reduced(_ values: [Constant], key: Constant) throws(EvaluationError) -> [Constant] {
        self.begin(values)
        guard let key = self.machine.workspace.arena.makeValue(key) else {
            preconditionFailure("keys are made of what can travel")
        }
        _ = try self.machine.call(self.reduce, key, Value(.stream, bits: 0))
        return self.machine.host.emitted
    }

    private mutating func begin(_ values: [Constant]) {
        self.machine.beginRecord()
        self.machine.host = TrialHost(values: values)
    }
}

/// Feeds made-up values and keeps what is emitted.
private struct TrialHost: MachineHost {
    var values: [Constant] = []
    var position = 0
    var emitted: [Constant] = []

    /// Pairs that one call may emit: values are few.
    private static let emittedLimit = 100_000

    mutating func emit(key: Value, value: Value) throws(EvaluationError) {
        let nowhere = SourceRange(start: 0, end: 0)
        guard let key = Constant(key), let value = Constant(value) else {
            throw EvaluationError(
                .typeMismatch(operation: "emit", expected: "a value that can travel", found: value.tag.typeName),
                at: nowhere
            )
        }
        guard self.emitted.count < Self.emittedLimit else {
            throw EvaluationError(.stepLimit(Int64(Self.emittedLimit)), at: nowhere)
        }
        self.emitted.append(.list([key, value]))
    }

    mutating func next(of stream: Int, in arena: inout Arena) throws(EvaluationError) -> Value? {
        guard self.position < self.values.count else { return nil }
        guard let value = arena.makeValue(self.values[self.position]) else {
            throw EvaluationError(.memoryLimit(bytes: Int64(arena.limitBytes)), at: SourceRange(start: 0, end: 0))
        }
        self.position += 1
        return value
    }

    mutating func rewind(_ stream: Int) throws(EvaluationError) { self.position = 0 }
}
