import FluentSyntax
import OracleWorlds
import ReferenceInterpreter
import Testing

@testable import JobPlan

/// A planned stream emits what the written one emits, and fails for the same records and keys.
struct StreamPlanDifferentialTests {
    private static let maps = [
        "(emit (get e :user) e)",
        "(emit 1 e)",
        "(emit (get e :user) (get e :x))",
        "(when (get e :ok) (emit 1 e))",
        "(emit (get e :user) {:x (get e :x) :y (get e :y) :z (/ 6 (get e :y))})",
        "(emit (get e :user) [(get e :x) (+ 1 (get e :y))])",
        "(do (emit (get e :user) (get e :inner)) (emit \"all\" {:x 3}) (emit \"all\" {:y 1 :x nil}))",
        "(for (i (get e :items)) (emit (get i :user) i))",
        "(let ((v (get e :inner))) (emit (get v :user) v))",
        "(match e ({:user u :x x} (emit u {:x x})) (_ (emit nil {:y 1})))",
        "(try (emit (get e :user) e) (catch _ (emit \"bad\" {})))",
        "(if (and (get e :ok) (get (get e :inner) :user)) (emit 1 (get e :inner)) (emit 2 e))",
        "(emit (str (get e :user) (/ 1 (get e :x))) {:x (/ 6 (get e :y))})",
    ]

    private static let aggregates = [
        "(count vs)", "(sum vs)", "(sum (map :x vs))", "(max (map (lambda (v) (get v :y 0)) vs))",
        "(count-distinct (map (lambda (v) (get v \"x\")) vs))", "(count (map :y vs))",
        "(sum (for (v vs) (get v 0)))", "(mean (map (lambda (v) (if (nil? v) 0 1)) vs))",
        "(sum (map (lambda (v) (if (= (get v :x) 1) 1 0)) vs))", "(count-distinct vs)",
    ]

    private static let records = """
        [{:user "a" :x 1 :y 2 :ok true :items [{:user "a" :x 5} {:user "b"}] :inner {:user "a" :x 7 :y 8}}
         {:user "b" :x 4 :y 3 :ok true :items [] :inner {:user "b" :x 1}}
         {:user "a" :x nil :y 1 :inner [10 20]} {:user "a" :y 6} {:user "b" :x 2.5 :y 0 :ok false :inner 5}
         {:x 1} {} 7 "text" nil [1 2] [{:x 1}] {:user nil :ok 1 :x "one" :items 3} {:user "c" :x 1 :y 1 :items [1]}]
        """

    @Test func `planned streams emit what the written ones do, and fail for the same records and keys`() throws {
        let records = try #require(Self.read(Self.records).elements)
        var mismatches: [String] = []
        var columnCount = 0
        for map in Self.maps {
            for (index, first) in Self.aggregates.enumerated() {
                for second in Self.aggregates[index...] {
                    let text = """
                        (define-streaming-job job :input (generate) :window (global-window)
                          :map (lambda (e) \(map)) :reduce (lambda (k vs) (emit k [\(first) \(second)])))
                        """
                    let source = SourceFile(name: "job.fl", text: text)
                    let definition = try #require(StaticProgram(source)?.stream, "\(text)")
                    let plan = StreamPlan(definition, options: PlanOptions(parallelism: 1))
                    if plan.rewrites.contains(where: { $0.name == .columns && $0.isApplied }) { columnCount += 1 }

                    let written = StreamRun(records) { WrittenStream(definition: definition).map($0) }
                        .reduced { WrittenStream(definition: definition).reduce($0, $1) }
                    let planned = StreamRun(records) { PlannedStream(plan: plan).map($0) }
                        .reduced { PlannedStream(plan: plan).reduce($0, $1) }

                    if written != planned { mismatches.append("\(text)\nwritten \(written)\nplanned \(planned)") }
                }
            }
        }

        for mismatch in mismatches.prefix(5) { Issue.record("\(mismatch)") }
        #expect(mismatches.isEmpty)
        #expect(columnCount > 200, "columns are placed often enough to be tested")
    }

    private static func read(_ text: String) throws -> ReferenceValue {
        try Interpreter().run(Reader.read(SourceFile(name: "records", text: text)).forms)
    }
}

/// What one way of running a stream emitted, group by group, in the order of first emission.
private struct StreamRun {
    typealias Outcome = Result<[ReferenceEntry], EvaluationError>

    private var failedRecords: [Int] = []
    private var groups: [(key: ReferenceValue, values: [ReferenceValue])] = []

    init(_ records: [ReferenceValue], _ map: (ReferenceValue) -> Outcome) {
        for (index, record) in records.enumerated() {
            switch map(record) {
            case .failure: self.failedRecords.append(index)
            case .success(let pairs): for pair in pairs { self.add(pair) }
            }
        }
    }

    private mutating func add(_ pair: ReferenceEntry) {
        let text = pair.key.written.string
        if let known = self.groups.firstIndex(where: { $0.key.written.string == text }) {
            self.groups[known].values.append(pair.value)
        } else {
            self.groups.append((pair.key, [pair.value]))
        }
    }

    /// The records that failed, then what each group emitted.
    func reduced(_ reduce: (ReferenceValue, [ReferenceValue]) -> Outcome) -> [String] {
        ["failed \(self.failedRecords)"]
            + self.groups.map { group in
                switch reduce(group.key, group.values) {
                case .failure: "\(group.key.written.string) fails"
                case .success(let pairs):
                    pairs.map { "\($0.key.written.string) \($0.value.written.string)" }.joined(separator: ", ")
                }
            }
    }
}

/// Runs the functions as they were written.
private struct WrittenStream {
    let definition: StreamDefinition

    func map(_ record: ReferenceValue) -> StreamRun.Outcome {
        .emissions { interpreter throws(EvaluationError) in
            _ = try LoweredEvaluation.call(self.definition.map.lambda, [record], on: interpreter)
        }
    }

    func reduce(_ key: ReferenceValue, _ values: [ReferenceValue]) -> StreamRun.Outcome {
        .emissions { interpreter throws(EvaluationError) in
            guard case .general(let closure) = self.definition.reduce else { return }
            _ = try LoweredEvaluation.call(closure.lambda, [key, .list(values)], on: interpreter)
        }
    }
}

/// Runs the functions of a plan: fields where they are projected, aggregates over columns where they are found.
private struct PlannedStream {
    let plan: StreamPlan

    func map(_ record: ReferenceValue) -> StreamRun.Outcome {
        .emissions { interpreter throws(EvaluationError) in
            guard let fields = self.plan.map.fields, case .map(let entries) = record else {
                _ = try LoweredEvaluation.call(self.plan.map.whole.closure.lambda, [record], on: interpreter)
                return
            }
            let arguments = fields.map { field in
                entries.first { $0.key.written.string == ":\(field.name)" }?.value ?? ReferenceValue(field.absentValue)
            }
            _ = try LoweredEvaluation.call(self.plan.map.closure.lambda, arguments, on: interpreter)
        }
    }

    func reduce(_ key: ReferenceValue, _ values: [ReferenceValue]) -> StreamRun.Outcome {
        .emissions { interpreter throws(EvaluationError) in
            switch self.plan.reduce {
            case nil: return
            case .general(let closure):
                _ = try LoweredEvaluation.call(closure.lambda, [key, .list(values)], on: interpreter)
            case .aggregates(let aggregates, let result):
                var results: [ReferenceValue] = []
                for aggregate in aggregates {
                    let column = ReferenceValue.list(values.map { self.column(aggregate.column, of: $0) })
                    guard let builtin = aggregate.function.builtin else { return }
                    results.append(try interpreter.call(.builtin(builtin), [column], at: aggregate.range))
                }
                _ = try LoweredEvaluation.call(result.lambda, [key] + results, on: interpreter)
            }
        }
    }

    private func column(_ column: Int?, of value: ReferenceValue) -> ReferenceValue {
        guard let column, self.plan.columnCount > 1 else { return value }
        return value.elements?[column] ?? .nil
    }
}

extension Result where Success == [ReferenceEntry], Failure == EvaluationError {
    /// What a call emits, or why it fails.
    fileprivate static func emissions(_ body: (Interpreter) throws(EvaluationError) -> Void) -> Self {
        let interpreter = Interpreter()
        do throws(EvaluationError) {
            try body(interpreter)
            return .success(interpreter.emitted)
        } catch {
            return .failure(error)
        }
    }
}

extension WindowAggregate.Function {
    /// The builtin that computes the same of a list.
    fileprivate var builtin: Builtin? {
        switch self {
        case .count: .count
        case .countDistinct: .countDistinct
        case .sum: .sum
        case .min: .min
        case .max: .max
        case .mean: .mean
        case .countDistinctApproximate, .first, .last, .collect, .top, .quantile: nil
        }
    }
}
