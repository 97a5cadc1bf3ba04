internal import ConnectorKit
internal import FluentSyntax
internal import JobPlan
internal import WireFormat

/// How a stream's reduce is called.
enum WindowCall: Sendable {
    /// With the key and the sequence of its values: the chain of the layout's only column.
    case general(FunctionIndex)
    /// With the key and the columns' results.
    case aggregates(FunctionIndex)
}

/// Runs a stream's reduce over one key and window after the other.
struct WindowEmitter: ~Copyable {
    private let call: WindowCall
    private let layout: WindowLayout
    private let policy: RecordPolicy
    var machine: Machine<WindowHost>
    private(set) var firingCount = 0
    private(set) var rejectedCount = 0
    private var examples = RejectedExamples()

    /// What the columns of a key of the rolling window come to.
    private var results: [Value] = []

    /// Nil where the machine runs the reduce.
    private let template: RecordTemplate?

    /// Lines for the dead-letter sink, to be taken; nil where there is none.
    let deadLetters: OutputBlock?

    init(
        call: WindowCall,
        template: RecordTemplate?,
        layout: WindowLayout,
        policy: RecordPolicy,
        machine: consuming Machine<WindowHost>,
        deadLetters: OutputBlock?
    ) {
        self.deadLetters = deadLetters
        self.call = call
        self.template = machine.host.takesTemplates ? template : nil
        self.layout = layout
        self.policy = policy
        self.machine = machine
    }

    /// The first groups that were left out.
    var rejectedExamples: [RejectedRecord] { self.examples.records }

    /// Reduces a key whose states are these.
    mutating func reduce(_ row: KeyedRow, of table: borrowing SliceTable, in window: FiredWindow) throws(EngineError) {
        let key = try self.begin(row, in: window)
        let states = unsafe row.payload.assumingMemoryBound(to: UInt64.self)
        if let template = self.template, unsafe self.write(template, states, of: table) { return }
        let mark = self.mark
        do {
            switch self.call {
            case .general(let function):
                self.machine.host.setValues(unsafe ValueChain(address: UInt(states[0])))
                _ = try self.machine.call(function, key, Value(.stream, bits: 0))
            case .aggregates(let function):
                var arguments = [key]
                arguments.reserveCapacity(self.layout.columns.count + 1)
                for column in self.layout.columns {
                    arguments.append(
                        try unsafe table.result(of: column, states, in: &self.machine.workspace.arena)
                    )
                }
                _ = try self.machine.call(function, arguments)
            }
        } catch {
            try self.reject(key, error, mark)
        }
    }

    /// - Returns: False where the machine must do it.
    @inline(__always)
    private mutating func write(
        _ template: RecordTemplate,
        _ states: UnsafePointer<UInt64>,
        of table: borrowing SliceTable
    ) -> Bool {
        do {
            try self.machine.host.write(template) { index in
                unsafe try table.result(of: self.layout.columns[index], states, in: &self.machine.workspace.arena)
            }
            return true
        } catch {
            return false
        }
    }

    /// Reduces a key of the rolling window.
    mutating func reduce(
        _ row: KeyedRow,
        of windows: borrowing SlicedWindows,
        in window: FiredWindow
    ) throws(EngineError) {
        guard case .aggregates(let function) = self.call else { preconditionFailure("values don't roll") }
        let key = try self.begin(row, in: window)
        self.results.removeAll(keepingCapacity: true)
        var gathered: SliceBox?
        defer { withExtendedLifetime(gathered) {} }
        do {
            gathered = try windows.rolling.results(
                of: row,
                in: &self.machine.workspace.arena,
                into: &self.results
            ) {
                unsafe windows.gathered(row.key, longKey: row.longKey, windowEnding: window.end)
            }
        } catch {
            return try self.reject(key, error, self.mark)
        }
        if let template = self.template, self.writeResults(template) { return }
        let mark = self.mark
        do {
            _ = try self.machine.call(function, [key] + self.results)
        } catch {
            try self.reject(key, error, mark)
        }
    }

    /// - Returns: False where the machine must do it.
    private mutating func writeResults(_ template: RecordTemplate) -> Bool {
        do {
            try self.machine.host.write(template) { self.results[$0] }
            return true
        } catch {
            return false
        }
    }

    private mutating func begin(_ row: KeyedRow, in window: FiredWindow) throws(EngineError) -> Value {
        self.machine.beginRecord()
        let key: Value
        do {
            key = try row.value(in: &self.machine.workspace.arena)
        } catch {
            throw .corrupt("can't decode a key: \(error)")
        }
        self.machine.host.window = window
        self.machine.host.groupKey = key
        self.firingCount += 1
        return key
    }

    private var mark: (outputCount: Int, alertCount: Int) {
        (self.machine.host.output.count, self.machine.host.alerts.count)
    }

    /// Takes back what a group emitted that failed, and stops or goes on as the policy says.
    private mutating func reject(
        _ key: Value,
        _ error: EvaluationError,
        _ mark: (outputCount: Int, alertCount: Int)
    ) throws(EngineError) {
        let place = ReduceEmitter.place(key)
        guard self.policy.passes(over: error) else { throw .evaluation(error, place) }
        self.machine.host.output.truncate(to: mark.outputCount)
        self.machine.host.alerts.truncate(to: mark.alertCount)
        self.rejectedCount += 1
        self.examples.add(RejectedRecord(place: place, bytes: [], reason: error.code.message, range: error.range))
        guard let deadLetters = self.deadLetters else { return }
        StageDeadLetter(key: key, window: self.machine.host.window, reason: error.code.message).append(to: deadLetters)
    }
}

extension SliceTable {
    /// What the aggregate of a column comes to.
    func result(
        of column: WindowLayout.Column,
        _ states: UnsafePointer<UInt64>,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        let words = unsafe states + column.offset
        switch column.storage {
        case .counter, .distinct: return unsafe Value(Int64(bitPattern: words[0]))
        case .sketch:
            guard let registers = unsafe UnsafePointer<UInt8>(bitPattern: UInt(words[0])) else {
                return Value(Int64(0))
            }
            return unsafe Value(ValueSketch.estimate(registers))
        case .ordered:
            guard let node = unsafe UnsafeRawPointer(bitPattern: UInt(words[1])) else { return .nil }
            return unsafe try Self.decoded(Self.value(at: node), column, in: &arena)
        case .number: return try unsafe Self.number(words, column)
        case .chain: return try unsafe Self.list(words, column, in: &arena)
        }
    }

    private static func decoded(
        _ bytes: Bytes,
        _ column: WindowLayout.Column,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        do {
            return try ValueCodec.decode(bytes, in: &arena, text: .borrowed)
        } catch {
            let code: EvaluationError.Code =
                error == .outOfMemory
                ? .memoryLimit(bytes: Int64(arena.limitBytes)) : .host(message: "can't decode a value: \(error)")
            throw EvaluationError(code, at: column.aggregate.range)
        }
    }

    private static func number(
        _ words: UnsafePointer<UInt64>,
        _ column: WindowLayout.Column
    ) throws(EvaluationError) -> Value {
        let function = column.aggregate.function
        let kind: AggregateKind =
            switch function {
            case .min: .min
            case .max: .max
            case .mean: .mean
            default: .sum
            }
        switch unsafe Self.numberState(words, column).result(of: kind) {
        case .value(let value): return value
        case .overflow: throw EvaluationError(.integerOverflow(operation: kind.rawValue), at: column.aggregate.range)
        case .wrongType(let expected, let found):
            let code = EvaluationError.Code.typeMismatch(
                operation: kind.rawValue,
                expected: expected,
                found: found.typeName
            )
            throw EvaluationError(code, at: column.aggregate.range)
        }
    }

    private static func list(
        _ words: UnsafePointer<UInt64>,
        _ column: WindowLayout.Column,
        in arena: inout Arena
    ) throws(EvaluationError) -> Value {
        let count = unsafe Int(words[2])
        guard let elements = arena.makeElements(count) else {
            throw EvaluationError(.memoryLimit(bytes: Int64(arena.limitBytes)), at: column.aggregate.range)
        }
        var chain = unsafe ValueChain(address: UInt(words[0]))
        for index in 0..<count {
            guard let bytes = chain.next() else { break }
            elements[index] = try Self.decoded(bytes, column, in: &arena)
        }
        switch column.aggregate.function {
        case .top(let limit):
            let sorted = try Self.sorted(elements, column, isDescending: true)
            let kept = min(limit, count)
            for index in 0..<kept { elements[index] = sorted[index] }
            return unsafe Value(.list, of: Elements(start: elements.start, count: kept))
        case .quantile(let share):
            for index in 0..<count where !elements[index].isNumber {
                let found = elements[index].tag.typeName
                let code = EvaluationError.Code.typeMismatch(operation: "quantile", expected: "a number", found: found)
                throw EvaluationError(code, at: column.aggregate.range)
            }
            guard count > 0 else { return .nil }
            let rank = Int((share * Double(count)).rounded(.up))
            return try Self.sorted(elements, column, isDescending: false)[min(max(rank, 1), count) - 1]
        default:
            return Value(.list, of: elements)
        }
    }

    /// In the order of `sort`.
    private static func sorted(
        _ elements: Elements,
        _ column: WindowLayout.Column,
        isDescending: Bool
    ) throws(EvaluationError) -> [Value] {
        do {
            return try (0..<elements.count).map { elements[$0] }.sorted { left, right in
                var walk = ValueWalk()
                let order = try Value.compare(left, right, walk: &walk)
                return isDescending ? order > 0 : order < 0
            }
        } catch {
            let code = EvaluationError.Code.invalidArgument(
                operation: "sort",
                reason: "a value is too large to compare"
            )
            throw EvaluationError(code, at: column.aggregate.range)
        }
    }
}
