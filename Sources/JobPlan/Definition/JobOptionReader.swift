import FluentSyntax

/// Reads the evaluated options of one job form and collects what is wrong with them.
struct JobOptionReader {
    let form: JobForm
    let values: [String: Constant]
    let range: SourceRange
    var problems: [Diagnostic] = []

    init(form: JobForm, values: [String: Constant], range: SourceRange) {
        self.form = form
        self.values = values
        self.range = range
    }

    /// - Returns: Nil where something that can't be left out is missing or wrong.
    mutating func definition() -> JobDefinition? {
        self.checkNames()
        let input = self.connector("input", noun: "a source", example: "(distributed-files \"books/*.txt\")")
        if let input, input.name == StreamSourceCall.union {
            let help = "distributed-files takes several patterns; only streams read a union"
            self.report("option-value", "a job that ends can't read a union", help: help, option: "input")
        }
        let output = self.connector("output", noun: "a sink", example: "(distributed-path \"results\")")
        let map = self.closure("map", parameterCounts: 1...2, isRequired: true)
        let reduce = self.closure("reduce", parameterCounts: 2...2, isRequired: false)
        let combiner = self.combiner()
        var settings = JobDefinition.Settings()
        settings.partitions = self.partitions()
        settings.onError = self.errorPolicy()
        settings.memoryBytes = self.memory()
        if let input { settings.format = self.format(of: input, fallback: self.values["format"]) }
        if let output {
            settings.sinkFormat = self.format(of: output, fallback: nil)
            settings.isSorted = self.flag("sorted", of: output)
            if settings.isSorted, map != nil, self.form.options.allSatisfy({ $0.name != "reduce" }) {
                self.report(
                    "option-value",
                    "only what a :reduce writes can be sorted, and job \(self.form.name) has none",
                    help: "add :reduce (lambda (key values) (for-each (lambda (v) (emit key v)) values)), or leave "
                        + ":sorted out",
                    option: "output"
                )
            }
        }
        guard let input, let output, let map else { return nil }
        return JobDefinition(
            name: self.form.name,
            kind: self.form.kind,
            endpoints: (input, output),
            functions: (map, combiner, reduce),
            settings: settings,
            range: self.range
        )
    }

    mutating func report(_ code: String, _ message: String, help: String = "", option: String) {
        let place = self.form.options.first { $0.name == option }?.value.range ?? self.range
        self.problems.append(Diagnostic(.error, code, message, help: help, at: place))
    }

    mutating func checkNames() {
        let names = self.form.kind.optionNames
        var seen: Set<String> = []
        for option in self.form.options {
            let isClause = self.form.processor != nil && ProcessorForm.isClause(option.name)
            if !isClause, !names.contains(option.name) {
                self.report(
                    "unknown-option",
                    "\(self.form.kind.rawValue) has no option :\(option.name)",
                    help: "its options are \(names.map { ":\($0)" }.joined(separator: " "))",
                    option: option.name
                )
            }
            if !seen.insert(option.name).inserted {
                self.problems.append(
                    Diagnostic(
                        .error,
                        "repeated-option",
                        "option :\(option.name) is given twice",
                        help: "remove one of them",
                        at: option.value.range
                    )
                )
            }
        }
    }

    mutating func connector(_ name: String, noun: String, example: String, isRequired: Bool = true) -> ConnectorCall? {
        switch self.values[name] {
        case .some(.connector(let call)) where StreamSetting(rawValue: call.name) == nil:
            return call
        case .some(.nil) where !isRequired:
            return nil
        case .some(let other):
            self.report(
                "option-type",
                ":\(name) needs \(noun), got \(other.typeName)",
                help: "write \(example)",
                option: name
            )
            return nil
        case nil:
            guard isRequired else { return nil }
            self.report(
                "missing-option",
                "job \(self.form.name) has no :\(name)",
                help: "write \(example)",
                option: name
            )
            return nil
        }
    }

    mutating func closure(
        _ name: String,
        parameterCounts: ClosedRange<Int>,
        isRequired: Bool
    ) -> Closure? {
        let shape = name == "map" ? "(lambda (key record) …)" : "(lambda (key values) …)"
        switch self.values[name] {
        case .some(.builtin(let builtin)):
            if let closure = Closure(calling: builtin, parameterCounts: parameterCounts, range: self.place(of: name)) {
                return closure
            }
            self.report(
                "parameter-count",
                ":\(name) can't be \(builtin.name), which takes another number of arguments",
                help: "write \(shape)",
                option: name
            )
            return nil
        case .some(.function(let closure)):
            let count = closure.lambda.parameters.count
            if parameterCounts.contains(count) { return closure }
            let expected =
                name == "map" ? "one parameter, the record, or two, key and record" : "two parameters, key and values"
            self.report(
                "parameter-count",
                ":\(name) takes \(expected), not \(count)",
                help: "write \(shape)",
                option: name
            )
            return nil
        case .some(.nil) where !isRequired:
            return nil
        case .some(let other):
            self.report(
                "option-type",
                ":\(name) needs a function, got \(other.typeName)",
                help: "write \(shape)",
                option: name
            )
            return nil
        case nil:
            guard isRequired else { return nil }
            self.report("missing-option", "job \(self.form.name) has no :\(name)", help: "write \(shape)", option: name)
            return nil
        }
    }
}

extension Constant {
    /// Its type as messages write it.
    var typeName: String {
        switch self {
        case .nil: TypeName.nil
        case .boolean: TypeName.boolean
        case .integer: TypeName.integer
        case .float: TypeName.float
        case .string: TypeName.string
        case .symbol: TypeName.symbol
        case .keyword: TypeName.keyword
        case .regex: TypeName.regex
        case .list: TypeName.list
        case .map: TypeName.map
        case .set: TypeName.set
        case .builtin, .function: TypeName.function
        case .connector(let call): "(\(call.name) …)"
        }
    }

    /// The text of a string, symbol or keyword: interchangeable as option values.
    var optionText: String? {
        switch self {
        case .string(let bytes): String(decoding: bytes, as: UTF8.self)
        case .symbol(let name), .keyword(let name): name
        default: nil
        }
    }
}
