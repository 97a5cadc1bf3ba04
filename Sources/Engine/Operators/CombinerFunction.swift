internal import FluentSyntax

/// Runs a job's combiner on a machine: from the values of one key to the one that stands for them.
struct CombinerFunction: ~Copyable {
    private var machine: Machine<CombinerHost>
    private let function: FunctionIndex
    private let range: SourceRange
    private var result = ByteBuffer()

    init(_ function: FunctionIndex, of program: CompiledProgram, limits: MachineLimits) {
        self.machine = Machine(program: program, limits: limits, host: CombinerHost())
        self.function = function
        self.range = program.functions[function.rawValue].lambda?.range ?? SourceRange(start: 0, end: 0)
    }

    /// Calls the function with a sequence of these values.
    ///
    /// - Returns: The encoded result, valid until the next call.
    /// - Throws: What the function failed with, or that its result can't travel.
    mutating func combine(_ values: ValueChain) throws(EvaluationError) -> Bytes {
        self.machine.beginRecord()
        self.machine.host = CombinerHost(first: values, next: values)
        var value = try self.machine.call(self.function, Value(.stream, bits: 0))
        self.result.removeAll()
        do throws(EvaluationError.Code) {
            if value.has(.stream) { value = try self.machine.materialise(value) }
            try self.encode(value)
        } catch {
            throw EvaluationError(error, at: self.range)
        }
        return self.result.bytes
    }

    private mutating func encode(_ value: Value) throws(EvaluationError.Code) {
        do throws(ValueWalkError) {
            try ValueCodec.encode(value, into: &self.result)
        } catch {
            throw error.code(operation: "combiner", expected: "a value that can travel")
        }
    }
}

/// The world of a combiner: nothing but its values.
private struct CombinerHost: MachineHost {
    var first = ValueChain(address: 0)
    var next = ValueChain(address: 0)

    mutating func emit(key: Value, value: Value) throws(EvaluationError) {
        throw Self.error("a combiner can't emit")
    }

    mutating func next(of stream: Int, in arena: inout Arena) throws(EvaluationError) -> Value? {
        guard let bytes = self.next.next() else { return nil }
        do throws(ValueDecodingError) {
            return try ValueCodec.decode(bytes, in: &arena, text: .borrowed)
        } catch .outOfMemory {
            throw EvaluationError(.memoryLimit(bytes: Int64(arena.limitBytes)), at: SourceRange(start: 0, end: 0))
        } catch {
            throw Self.error("can't decode a value: \(error)")
        }
    }

    mutating func rewind(_ stream: Int) throws(EvaluationError) {
        self.next = self.first
    }

    private static func error(_ message: String) -> EvaluationError {
        EvaluationError(.host(message: message), at: SourceRange(start: 0, end: 0))
    }
}
