extension Lowering {
    private static let mapReduceOptions = [
        "input", "output", "map", "combiner", "reduce", "partitions", "format", "on-error", "memory",
    ]
    private static let requiredOptions = ["input", "output", "map"]

    /// Lowers `(define-mapreduce name :input … …)`.
    mutating func lowerMapReduce(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        let form = SpecialForm.mapReduce
        guard items.count >= 2, items[1].keywordName == nil else {
            return self.malformed(form, "define-mapreduce needs a name before its options", at: items[0].range)
        }
        guard let name = self.definedName(items[1]) else { return Expression(.constant(.nil), range: range) }
        let written = self.optionPairs(items[2...], of: form.rawValue)
        var options: [JobForm.Option] = []
        for option in written {
            guard Self.mapReduceOptions.contains(option.name) else {
                self.reportUnknownOption(option)
                continue
            }
            let value = self.lowerJobOption(option)
            self.checkJobOption(option, value)
            options.append(JobForm.Option(name: option.name, value: value))
        }
        self.reportMissingOptions(written, name: items[1])
        return Expression(.defineJob(JobForm(kind: .mapReduce, name: name, options: options)), range: range)
    }

    private mutating func reportUnknownOption(_ option: WrittenOption) {
        _ = self.lower(option.value)
        let isOfSink = option.name == "sorted" || option.name == "overwrite"
        let nearest = NearestName.find(option.name, among: Self.mapReduceOptions)
        let list = Self.mapReduceOptions.map { ":" + $0 }.joined(separator: " ")
        self.diagnostics.error(
            "unknown-option",
            "define-mapreduce has no option :\(option.name)",
            help: isOfSink
                ? "give it to the sink: (distributed-path \"…\" :\(option.name) true)"
                : (nearest.map { "did you mean :\($0)? " } ?? "") + "its options are \(list)",
            at: option.range
        )
    }

    private mutating func reportMissingOptions(_ written: [WrittenOption], name: SyntaxNode) {
        let missing = Self.requiredOptions.filter { required in
            // A misspelt option was reported as that.
            !written.contains { option in
                if option.name == required { return true }
                guard !Self.mapReduceOptions.contains(option.name) else { return false }
                return NearestName.find(option.name, among: Self.mapReduceOptions) == required
            }
        }
        guard !missing.isEmpty else { return }
        let names = missing.map { ":" + $0 }
        let others = names.dropLast().joined(separator: ", ")
        let list = (others.isEmpty ? "" : others + " and ") + (names.last ?? "")
        self.diagnostics.error(
            "missing-option",
            "\(name.symbol ?? "this job") has no \(list)",
            help: ":input, :output and :map are needed; :reduce and the others aren't",
            at: name.range
        )
    }

    /// Parameters of job functions are given by the engine: not using one is no slip.
    private mutating func lowerJobOption(_ option: WrittenOption) -> Expression {
        let isJobFunction = option.name == "map" || option.name == "reduce"
        guard isJobFunction, case .list(let items) = option.value.kind, let parameters = option.value.lambdaParameters
        else { return self.lowerOption(option.name, option.value) }
        let function = FunctionText(
            name: "",
            parameters: parameters[...],
            body: items[2...],
            range: option.value.range,
            warnsWhenUnused: false
        )
        return Expression(.lambda(self.lowerFunction(function)), range: option.value.range)
    }

    private mutating func checkJobOption(_ option: WrittenOption, _ value: Expression) {
        switch option.name {
        case "input": self.checkConnector(value, isAllowed: \.isSource, role: "the input of a job")
        case "output": self.checkConnector(value, isAllowed: \.isSink, role: "the output of a job")
        case "map":
            self.checkJobFunction(option, value, takes: 1...2, shape: "(lambda (record) …) or (lambda (key record) …)")
        case "reduce": self.checkJobFunction(option, value, takes: 2...2, shape: "(lambda (key values) …)")
        case "combiner":
            self.checkJobFunction(option, value, takes: 1...1, shape: "(lambda (values) …) or a function like sum")
            self.checkCombiner(value)
        case "partitions": self.checkPartitions(value)
        case "memory": self.checkMemory(value)
        default: break
        }
    }

    private mutating func reportType(option: String, needs: String, found: Constant, at range: SourceRange) {
        guard !self.diagnostics.hasError(in: range) else { return }
        self.diagnostics.error("option-type", ":\(option) needs \(needs), found \(found.typeName)", at: range)
    }

    // MARK: Functions of jobs

    private mutating func checkJobFunction(
        _ option: WrittenOption,
        _ value: Expression,
        takes: ClosedRange<Int>,
        shape: String
    ) {
        switch value.kind {
        case .constant(.builtin(let builtin)):
            let signature = builtin.signature
            let isFit = takes.contains { $0 >= signature.minimumCount && $0 <= signature.maximumCount ?? Int.max }
            guard !isFit else { return }
            self.reportShape(option, "\(builtin.name) takes \(signature.countText)", shape: shape, at: value.range)
        case .constant(let constant):
            self.reportType(option: option.name, needs: "a function: \(shape)", found: constant, at: value.range)
        case .list, .map, .connector:
            self.diagnostics.error(
                "option-type",
                ":\(option.name) needs a function",
                help: "write \(shape)",
                at: value.range
            )
        case .lambda(let lambda):
            self.checkCount(option, lambda.parameters.count, takes, shape: shape, at: value.range)
        case .global(let name):
            self.checkGlobalFunction(option, name, takes, shape: shape, at: value.range)
        default: break
        }
    }

    private mutating func checkGlobalFunction(
        _ option: WrittenOption,
        _ name: String,
        _ takes: ClosedRange<Int>,
        shape: String,
        at range: SourceRange
    ) {
        switch self.globals[name]?.role {
        case .function(let count): self.checkCount(option, count, takes, shape: shape, at: range)
        case .job:
            self.diagnostics.error(
                "option-type",
                ":\(option.name) needs a function, found the job \(name)",
                help: "write \(shape)",
                at: range
            )
        case .value, .unavailable, nil: break
        }
    }

    private mutating func checkCount(
        _ option: WrittenOption,
        _ count: Int,
        _ takes: ClosedRange<Int>,
        shape: String,
        at range: SourceRange
    ) {
        guard !takes.contains(count) else { return }
        self.reportShape(option, "this function takes \(Self.counted(count))", shape: shape, at: range)
    }

    private mutating func reportShape(_ option: WrittenOption, _ found: String, shape: String, at range: SourceRange) {
        self.diagnostics.error(
            "argument-count",
            "the function of :\(option.name) doesn't fit: \(found)",
            help: "write \(shape)",
            at: range
        )
    }

    /// A combiner's result must be able to stand for the values it was made of.
    private mutating func checkCombiner(_ value: Expression) {
        guard case .constant(.builtin(let builtin)) = value.kind else { return }
        let reason: String
        switch builtin {
        case .count: reason = "a count of counts isn't the count: emit 1 for each record and combine with sum"
        case .countDistinct: reason = "a distinct count of distinct counts says nothing: leave :combiner out"
        case .mean: reason = "a mean of means isn't the mean: leave :combiner out"
        default: return
        }
        self.diagnostics.error(
            "not-combinable",
            "\(builtin.name) can't be a combiner, because combiners run on their own results",
            help: "\(reason); the planner ships partial states by itself",
            at: value.range
        )
    }

    // MARK: Sizes

    private mutating func checkPartitions(_ value: Expression) {
        guard let constant = value.constant else { return }
        guard case .integer(let count) = constant else {
            return self.reportType(option: "partitions", needs: "an integer", found: constant, at: value.range)
        }
        guard count < 1 else { return }
        self.diagnostics.error(
            "option-value",
            ":partitions is the number of output files, and can't be \(count)",
            help: "give at least 1",
            at: value.range
        )
    }

    private mutating func checkMemory(_ value: Expression) {
        guard let constant = value.constant else { return }
        if case .integer(let bytes) = constant, bytes > 0 { return }
        if case .string(let text) = constant, Self.isSize(text) { return }
        guard !self.diagnostics.hasError(in: value.range) else { return }
        self.diagnostics.error(
            "option-value",
            ":memory needs a size, found \(constant.word.map { "\"\($0)\"" } ?? constant.typeName)",
            help: "write \"512MiB\" or \"2GiB\"",
            at: value.range
        )
    }

    /// Digits, then perhaps a unit.
    private static func isSize(_ text: [UInt8]) -> Bool {
        let digits = text.prefix { TextByte.isDigit($0) }
        let unit = String(decoding: text.dropFirst(digits.count).drop { $0 == TextByte.space }, as: UTF8.self)
        guard let count = Int64(String(decoding: digits, as: UTF8.self)), count > 0 else { return false }
        return ["", "B", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"].contains(unit)
    }
}
