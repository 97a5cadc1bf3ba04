import FluentSyntax

/// What a stream does with its records, however it was written.
struct StreamFunctions {
    let map: Closure
    let columnCount: Int
    let combiner: Constant?
    var stages: [StreamStage] = []
    let reduce: WindowReduce?

    /// As ``StreamDefinition/grouping``.
    let grouping: String
}

extension JobOptionReader {
    /// Those of a `define-streaming-job`.
    mutating func jobFunctions() -> StreamFunctions? {
        let map = self.closure("map", parameterCounts: 1...2, isRequired: true)
        let reduce = self.closure("reduce", parameterCounts: 2...2, isRequired: false)
        let combiner = self.combiner()
        guard let map else { return nil }
        return StreamFunctions(
            map: map,
            columnCount: 1,
            combiner: combiner,
            reduce: .general(reduce ?? Self.passingReduce(at: self.range)),
            grouping: map.emissionText
        )
    }

    /// What stands for a reduce that isn't there: each value is emitted under its key.
    private static func passingReduce(at range: SourceRange) -> Closure {
        let (key, values, value) = (
            Variable(id: 0, name: "key"), Variable(id: 1, name: "values"), Variable(id: 2, name: "value")
        )
        let use = { (variable: Variable) in Expression(.variable(variable), range: range) }
        let emission = Expression(.builtin(.emit, arguments: [use(key), use(value)]), range: range)
        let loop = Expression(
            .forEach(value, sequence: use(values), body: emission, isNested: false),
            range: range
        )
        let lambda = Lambda(name: "", parameters: [key, values], body: loop, captured: [], range: range)
        return Closure(lambda: lambda, captured: [], globals: [:])
    }

    /// Those that the clauses of a `define-stream-processor` amount to.
    mutating func functions(of form: ProcessorForm) -> StreamFunctions? {
        let problemCount = self.problems.count
        let steps = form.steps.indices.compactMap { self.step(form.steps[$0], at: $0) }
        let stages = form.stages.enumerated().compactMap { self.stage($1, at: $0) }
        let keyOptions = (0..<form.keyCount).map { ProcessorForm.keyOption($0) }
        let keys = keyOptions.compactMap { self.recordFunction($0, label: "group-by") }
        let names = self.fieldNames(of: form, keyOptions)
        var aggregates: [StreamProcessing.Aggregate] = []
        for (index, aggregate) in form.aggregates.enumerated() {
            let option = ProcessorForm.inputOption(index)
            let input = aggregate.hasInput ? self.recordFunction(option, label: aggregate.function.rawValue) : nil
            guard let function = self.function(of: aggregate, at: index) else { continue }
            aggregates.append(
                StreamProcessing.Aggregate(
                    name: aggregate.name,
                    function: function,
                    input: input,
                    range: aggregate.range
                )
            )
        }
        guard self.problems.count == problemCount else { return nil }
        return StreamProcessing(
            steps: steps,
            stages: stages,
            group: RecordGroup(keys: zip(names, keys).map { ($0, $1) }, isList: form.hasKeyList),
            aggregates: aggregates,
            range: self.range
        ).functions
    }

    private mutating func fieldNames(of form: ProcessorForm, _ keyOptions: [String]) -> [String] {
        let names = self.keyNames(keyOptions)
        var seen = Set(ProcessorForm.windowFields + form.aggregates.map(\.name))
        for (name, option) in zip(names, keyOptions) where !seen.insert(name).inserted {
            self.report(
                "duplicate-name",
                "an output record would have two fields \(name)",
                help: "choose another name",
                option: option
            )
        }
        return names
    }

    func keyNames(_ keyOptions: [String]) -> [String] {
        ProcessorForm.keyNames(keyOptions.map { self.values[$0] ?? .nil }).map { $0 ?? "" }
    }

    private mutating func function(
        of aggregate: ProcessorForm.Aggregate,
        at index: Int
    ) -> WindowAggregate.Function? {
        let option = ProcessorForm.parameterOption(index)
        let parameter = self.values[option] ?? .nil
        if let problem = aggregate.function.problem(withParameter: parameter) {
            self.report("option-value", problem.message, help: problem.help, option: option)
            return nil
        }
        return WindowAggregate.Function(aggregate.function, parameter: parameter)
    }

    /// A function of a record, or the field that a keyword stands for.
    mutating func recordFunction(_ option: String, label: String) -> RecordFunction? {
        guard let value = self.values[option], value != .nil else { return nil }
        let place = self.place(of: option)
        switch value {
        case .keyword(let name): return RecordFunction(.field(name), range: place)
        case .builtin(let builtin):
            if let closure = Closure(calling: builtin, parameterCounts: 1...1, range: place) {
                return RecordFunction(.closure(closure), range: place)
            }
            self.reportShape(option, "\(label) can't be \(builtin.name), which takes another number of arguments")
        case .function(let closure):
            let count = closure.lambda.parameters.count
            if count == 1 { return RecordFunction(.closure(closure), range: place) }
            self.reportShape(option, "the function of \(label) takes one parameter, the record, not \(count)")
        default:
            self.report(
                "option-type",
                "\(label) needs a field or a function, got \(value.typeName)",
                help: "write :field or (lambda (record) …)",
                option: option
            )
        }
        return nil
    }

    private mutating func reportShape(_ option: String, _ message: String) {
        self.report("parameter-count", message, help: "write (lambda (record) …)", option: option)
    }
}

extension WindowAggregate.Function {
    fileprivate init(_ name: AggregateName, parameter: Constant) {
        switch name {
        case .count: self = .count
        case .countDistinct: self = .countDistinct
        case .countDistinctApproximate: self = .countDistinctApproximate
        case .sum: self = .sum
        case .min: self = .min
        case .max: self = .max
        case .mean: self = .mean
        case .first: self = .first
        case .last: self = .last
        case .collect: self = .collect
        case .top:
            guard case .integer(let count) = parameter else { preconditionFailure("the parameter was checked") }
            self = .top(Int(count))
        case .quantile:
            switch parameter {
            case .float(let fraction): self = .quantile(fraction)
            case .integer(let fraction): self = .quantile(Double(fraction))
            default: preconditionFailure("the parameter was checked")
            }
        }
    }
}
