import CoreTypes

extension Lowering {
    /// What a function of a job is called with.
    struct FunctionShape {
        let counts: ClosedRange<Int>
        let usage: String
        /// Whether a keyword may stand for the function that reads this field.
        var allowsField = false

        static let map = Self(counts: 1...2, usage: "(lambda (record) …) or (lambda (key record) …)")
        static let reduce = Self(counts: 2...2, usage: "(lambda (key values) …)")
        static let combiner = Self(counts: 1...1, usage: "(lambda (values) …) or a function like sum")
        static let step = Self(counts: 1...1, usage: "(lambda (record) …)", allowsField: true)
        static let field = Self(counts: 1...1, usage: ":field or (lambda (record) …)", allowsField: true)
    }

    mutating func checkJobOption(_ option: WrittenOption, _ value: Expression, of kind: JobForm.Kind) {
        let label = ":" + option.name
        let sinkRole: ConnectorRole = kind.isStream ? .streamSink : .batchSink
        switch option.name {
        case "input", "source":
            let isRight: (ConnectorName) -> Bool = kind.isStream ? \.isSource : \.isBatchSource
            let role: ConnectorRole = kind.isStream ? .streamSource : .batchSource
            self.checkConnector(value, isAllowed: isRight, role: "the \(option.name) of a job", as: role)
        case "output", "sink":
            self.checkConnector(value, isAllowed: \.isSink, role: "the \(option.name) of a job", as: sinkRole)
        case "late", "alerts":
            self.checkConnector(value, isAllowed: \.isSink, role: "the sink of \(label)", as: sinkRole)
        case "on-error":
            if case .connector(_, let sinks, _) = value.kind, let sink = sinks.first {
                self.connectorCalls.noteRole(sinkRole, of: sink)
            }
        case "sides": self.checkSides(value)
        case "map": self.checkJobFunction(label, value, .map)
        case "reduce": self.checkJobFunction(label, value, .reduce)
        case "time": self.checkJobFunction(label, value, .field)
        case "combiner":
            self.checkJobFunction(label, value, .combiner)
            self.checkCombiner(value)
        case "window": self.checkSetting(label, value, isAllowed: \.isWindow, noun: "a window")
        case "watermark": self.checkSetting(label, value, isAllowed: { $0 == .outOfOrderness }, noun: "a watermark")
        case "trigger": self.checkSetting(label, value, isAllowed: { $0 == .trigger }, noun: "a trigger")
        case "idle-after": self.checkSpan(label, value, atLeast: 1)
        case "drift-limit": self.checkSpan(label, value, atLeast: 1)
        case "allowed-lateness": self.checkSpan(label, value, atLeast: 0)
        case "partitions": self.checkPartitions(value)
        case "memory": self.checkMemory(value)
        default: break
        }
    }

    mutating func checkSpan(_ label: String, _ value: Expression, atLeast minimum: Int64) {
        guard let constant = value.constant, !self.diagnostics.hasError(in: value.range),
            let problem = TimeSpan.problem(with: constant, atLeast: minimum)
        else { return }
        self.diagnostics.error("option-value", "\(label) \(problem)", help: TimeSpan.advice, at: value.range)
    }

    private mutating func reportType(_ label: String, needs: String, found: Constant, at range: SourceRange) {
        guard !self.diagnostics.hasError(in: range) else { return }
        self.diagnostics.error("option-type", "\(label) needs \(needs), found \(found.typeName)", at: range)
    }

    // MARK: Functions of jobs

    /// Reports a value that is known not to be such a function.
    mutating func checkJobFunction(_ label: String, _ value: Expression, _ shape: FunctionShape) {
        switch value.kind {
        case .constant(.builtin(let builtin)):
            let signature = builtin.signature
            let isFit = shape.counts.contains { count in
                count >= signature.minimumCount && count <= signature.maximumCount ?? Int.max
            }
            guard !isFit else { return }
            self.reportShape(label, "\(builtin.name) takes \(signature.countText)", shape, at: value.range)
        case .constant(.keyword) where shape.allowsField: break
        case .constant(let constant):
            self.reportType(label, needs: "a function: \(shape.usage)", found: constant, at: value.range)
        case .list, .map, .connector:
            self.diagnostics.error(
                "option-type",
                "\(label) needs a function",
                help: "write \(shape.usage)",
                at: value.range
            )
        case .lambda(let lambda): self.checkCount(label, lambda.parameters.count, shape, at: value.range)
        case .global(let name): self.checkGlobalFunction(label, name, shape, at: value.range)
        default: break
        }
    }

    private mutating func checkGlobalFunction(
        _ label: String,
        _ name: String,
        _ shape: FunctionShape,
        at range: SourceRange
    ) {
        switch self.globals[name]?.role {
        case .function(let count): self.checkCount(label, count, shape, at: range)
        case .job:
            self.diagnostics.error(
                "option-type",
                "\(label) needs a function, found the job \(name)",
                help: "write \(shape.usage)",
                at: range
            )
        case .value, .unavailable, nil: break
        }
    }

    private mutating func checkCount(_ label: String, _ count: Int, _ shape: FunctionShape, at range: SourceRange) {
        guard !shape.counts.contains(count) else { return }
        self.reportShape(label, "this function takes \(Self.counted(count))", shape, at: range)
    }

    private mutating func reportShape(_ label: String, _ found: String, _ shape: FunctionShape, at range: SourceRange) {
        self.diagnostics.error(
            "argument-count",
            "the function of \(label) doesn't fit: \(found)",
            help: "write \(shape.usage)",
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
            return self.reportType(":partitions", needs: "an integer", found: constant, at: value.range)
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
        guard let constant = value.constant, !self.diagnostics.hasError(in: value.range) else { return }
        let bytes: Int64? =
            switch constant {
            case .integer(let bytes) where bytes > 0: bytes
            case .string(let text): MemorySize.bytes(of: String(decoding: text, as: UTF8.self))
            default: nil
            }
        let help = "write \"512MiB\" or \"2GiB\""
        guard let bytes else {
            let found = constant.word.map { "\"\($0)\"" } ?? constant.typeName
            let message = ":memory needs a size, found \(found)"
            return self.diagnostics.error("option-value", message, help: help, at: value.range)
        }
        guard bytes < MemorySize.jobMinimumBytes else { return }
        let minimum = MemorySize.text(of: MemorySize.jobMinimumBytes)
        let message = ":memory is below the minimum of \(minimum)"
        self.diagnostics.error("option-value", message, help: help, at: value.range)
    }
}
