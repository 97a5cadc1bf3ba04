internal import FluentSyntax
package import JobPlan

/// A job's combiner as the engine runs it.
package struct CombineStep: Sendable {
    package enum Method: Sendable {
        /// A sum, a minimum or a maximum, which needs no machine.
        case aggregate(AggregateKind)
        case function(FunctionIndex)
    }

    let method: Method
    let program: CompiledProgram
    let limits: MachineLimits
    let policy: RecordPolicy

    /// What the table of a subtask before the shuffle may take.
    let tableBytes: Int
}

/// Makes the values of one key fewer, as a job's combiner says.
struct GroupCombiner: ~Copyable {
    private let aggregate: AggregateKind?
    private var function: CombinerFunction?
    private let policy: RecordPolicy
    private var arena = Arena(limitBytes: 64 << 20)

    /// What ``combine(_:of:)`` made of the values.
    private(set) var results = EncodedValues()

    init(_ step: CombineStep) {
        self.policy = step.policy
        switch step.method {
        case .aggregate(let kind):
            self.aggregate = kind
            self.function = nil
        case .function(let function):
            self.aggregate = nil
            self.function = CombinerFunction(function, of: step.program, limits: step.limits)
        }
    }

    /// Combines the values of a row into ``results``.
    ///
    /// - Returns: False where they are to travel as they are: a single one, or those on which the function fails under
    ///   a policy that goes on.
    /// - Throws: The function's failure under the policy `fail`.
    mutating func combine(_ values: ValueChain, of row: KeyedRow) throws(EngineError) -> Bool {
        guard values.hasSeveral else { return false }
        self.results.removeAll()
        if let kind = self.aggregate {
            self.combine(values, kind)
            return true
        }
        do throws(EvaluationError) {
            guard let result = try self.function?.combine(values) else { return false }
            self.results.append(result)
            return true
        } catch {
            guard self.policy == .fail else { return false }
            throw .evaluation(error, self.place(of: row))
        }
    }

    /// Values that the aggregate doesn't take are kept beside its result.
    private mutating func combine(_ values: ValueChain, _ kind: AggregateKind) {
        var values = values
        var numbers = AggregateState()
        var texts = AggregateState()
        while let bytes = values.next() {
            let value = Value(simple: bytes)
            switch CombinableType(value ?? .nil, under: kind) {
            case .number: numbers.add(value ?? .nil)
            case .text: texts.add(value ?? .nil)
            case .other: self.results.append(bytes)
            }
        }
        if numbers.count > 0 { numbers.appendStandIns(for: kind, to: &self.results) }
        if texts.count > 0 { texts.appendStandIns(for: kind, to: &self.results) }
    }

    private mutating func place(of row: KeyedRow) -> RecordPlace {
        self.arena.reset()
        // A key that can't be shown still leaves the place in the program.
        return ReduceEmitter.place((try? row.value(in: &self.arena)) ?? .nil)
    }
}

/// What a builtin combiner sees in a value: those of one type are combined with each other.
enum CombinableType: Hashable {
    case number
    /// A string, of which there are extremes but no sums.
    case text
    case other

    @inline(__always)
    init(_ value: Value, under kind: AggregateKind) {
        if value.isNumber {
            self = .number
        } else {
            self = value.has(.string) && kind != .sum ? .text : .other
        }
    }
}

extension Value {
    /// The number or string that is encoded here, its text where it lies; nil for any other value.
    init?(simple bytes: Bytes) {
        switch bytes.count > 0 ? bytes[0] : 0 {
        case ValueCodec.Mark.integer where bytes.count == 9:
            self.init(Int64(bitPattern: bytes.littleEndian(UInt64.self, at: 1)))
        case ValueCodec.Mark.float where bytes.count == 9:
            self.init(Double(bitPattern: bytes.littleEndian(UInt64.self, at: 1)))
        case ValueCodec.Mark.string:
            self.init(.string, text: bytes.slice(1, bytes.count))
        default: return nil
        }
    }
}
