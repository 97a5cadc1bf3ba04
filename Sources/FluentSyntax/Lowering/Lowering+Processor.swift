/// The options and the clauses of a `define-stream-processor`.
struct ProcessorParts {
    private(set) var options: [SyntaxNode]
    private(set) var clauses: [SyntaxNode]

    init(options: [SyntaxNode], clauses: [SyntaxNode]) {
        self.options = options
        self.clauses = clauses
    }

    /// A keyword takes what follows it along; lists besides are clauses.
    init(_ items: ArraySlice<SyntaxNode>) {
        self.init(options: [], clauses: [])
        var index = items.startIndex
        while index < items.endIndex {
            let item = items[index]
            let end = item.keywordName == nil ? index + 1 : min(index + 2, items.endIndex)
            if case .list = item.kind {
                self.clauses.append(item)
            } else {
                self.options += items[index..<end]
            }
            index = end
        }
    }
}

extension Lowering {
    static let windowUsage = "(window WINDOW (group-by :field (aggregate :name (count))))"

    /// Lowers the steps and the window of a processor into options.
    ///
    /// - Parameters:
    ///   - clauses: What stands between and behind the options.
    ///   - items: The whole form.
    ///   - options: Gets an option for each function, field and number.
    /// - Returns: Nil after an error.
    mutating func lowerClauses(
        _ clauses: [SyntaxNode],
        of items: [SyntaxNode],
        _ options: inout [JobForm.Option]
    ) -> ProcessorForm? {
        var steps: [ProcessorForm.Step] = []
        var stages: [ProcessorForm.Stage] = []
        var window: SyntaxNode?
        for clause in clauses {
            if window != nil {
                self.diagnostics.error(
                    "malformed-form",
                    "nothing stands behind the window of a processor",
                    help: clause.headSymbol == "window"
                        ? "define another processor for the other window" : "move it before the window",
                    at: clause.range
                )
            } else if clause.headSymbol == "window" {
                window = clause
            } else if let step = clause.headSymbol.flatMap(ProcessorForm.Step.init) {
                if step == .side, !stages.isEmpty { self.reportSideBehindStage(clause) }
                self.lowerStep(step, clause, at: steps.count, &options)
                steps.append(step)
            } else if let kind = clause.headSymbol.flatMap(ProcessorForm.Stage.Kind.init) {
                let place = (stage: stages.count, step: steps.count)
                if let stage = self.lowerStage(kind, clause, at: place, &options) { stages.append(stage) }
            } else {
                self.reportUnknownClause(clause)
            }
        }
        guard let window else {
            return ProcessorForm(steps: steps, stages: stages, keyCount: 0, hasKeyList: false, aggregates: [])
        }
        return self.lowerWindow(window, behind: (steps, stages), &options)
    }

    private mutating func lowerStep(
        _ step: ProcessorForm.Step,
        _ clause: SyntaxNode,
        at index: Int,
        _ options: inout [JobForm.Option]
    ) {
        guard index < ProcessorForm.stepLimit else {
            if index == ProcessorForm.stepLimit {
                self.reportLimit("steps", ProcessorForm.stepLimit, help: "put several into one map", at: clause.range)
            }
            return
        }
        switch step {
        case .filter, .map, .flatMap: self.lowerFunctionStep(step, clause, at: index, &options)
        case .enrich: self.lowerEnrich(clause, at: index, &options)
        case .side: self.lowerSide(clause, at: index, &options)
        }
    }

    private mutating func lowerFunctionStep(
        _ step: ProcessorForm.Step,
        _ clause: SyntaxNode,
        at index: Int,
        _ options: inout [JobForm.Option]
    ) {
        guard let parts = clause.elements, parts.count == 2 else {
            _ = self.fail(
                "argument-count",
                "\(step.rawValue) takes a function of the record here, got \((clause.elements?.count ?? 1) - 1)",
                help: "write (\(step.rawValue) (lambda (record) …))",
                at: clause.range
            )
            return
        }
        let value = self.lowerJobFunction(parts[1])
        self.checkJobFunction(step.rawValue, value, .step)
        options.append(JobForm.Option(name: ProcessorForm.stepOption(index), value: value))
    }

    private mutating func reportSideBehindStage(_ clause: SyntaxNode) {
        self.diagnostics.error(
            "malformed-form",
            "a side output stands before the keyed stages of a processor",
            help: "move it there, or write those records to a topic and read it with another processor",
            at: clause.range
        )
    }

    private mutating func reportUnknownClause(_ clause: SyntaxNode) {
        let words =
            ProcessorForm.Step.allCases.map(\.rawValue) + ["window"]
            + ProcessorForm.Stage.Kind.allCases.map(\.rawValue)
        let nearest = clause.headSymbol.flatMap { NearestName.find($0, among: words) }
        self.diagnostics.error(
            "malformed-form",
            "a processor has no clause \(clause.headSymbol ?? clause.description)",
            help: (nearest.map { "did you mean \($0)? " } ?? "")
                + "its clauses are (filter F), (map F), (flat-map F), (enrich TABLE :on :field), (side :name SINK), "
                + "(key-by KEY), \(Self.deduplicateUsage), \(Self.processUsage), \(Self.joinUsage), and "
                + Self.windowUsage,
            at: clause.range
        )
    }

    mutating func reportLimit(_ what: String, _ limit: Int, help: String, at range: SourceRange) {
        self.diagnostics.error("form-limit", "a processor has at most \(limit) \(what)", help: help, at: range)
    }

    // MARK: Windows

    private mutating func lowerWindow(
        _ clause: SyntaxNode,
        behind clauses: (steps: [ProcessorForm.Step], stages: [ProcessorForm.Stage]),
        _ options: inout [JobForm.Option]
    ) -> ProcessorForm? {
        guard let parts = clause.elements, parts.count == 3 else {
            return self.refuseClause("window takes a window and a group-by", at: clause.range)
        }
        let window = self.lower(parts[1])
        self.checkSetting("window", window, isAllowed: \.isWindow, noun: "a window")
        options.append(JobForm.Option(name: ProcessorForm.windowOption, value: window))
        guard parts[2].headSymbol == "group-by", let group = parts[2].elements, group.count == 3 else {
            return self.refuseClause("expected a group-by with a key and an aggregate", at: parts[2].range)
        }
        guard group[2].headSymbol == "aggregate" else {
            return self.refuseClause("expected an aggregate behind the key", at: group[2].range)
        }
        let keys = self.lowerKeys(group[1], of: "group-by", named: ProcessorForm.keyOption, &options)
        self.reportRepeatedFields(keys)
        let taken = keys.names.map(\.name)
        guard let aggregates = self.lowerAggregates(group[2], taken: taken, &options) else { return nil }
        return ProcessorForm(
            steps: clauses.steps,
            stages: clauses.stages,
            keyCount: keys.names.count,
            hasKeyList: keys.isList,
            aggregates: aggregates
        )
    }

    private mutating func refuseClause(_ message: String, at range: SourceRange) -> ProcessorForm? {
        self.diagnostics.error("malformed-form", message, help: "write \(Self.windowUsage)", at: range)
        return nil
    }

    /// One field or function, or several in brackets.
    mutating func lowerKeys(
        _ node: SyntaxNode,
        of form: String,
        named optionName: (Int) -> String,
        _ options: inout [JobForm.Option]
    ) -> (names: [(name: String?, node: SyntaxNode)], isList: Bool) {
        var nodes = [node]
        var isList = false
        if case .vector(let elements) = node.kind { (nodes, isList) = (elements, true) }
        if nodes.count > ProcessorForm.keyLimit {
            self.reportLimit("keys", ProcessorForm.keyLimit, help: "group by a function of the record", at: node.range)
        }
        var values: [Constant?] = []
        for (index, node) in nodes.enumerated() {
            let value = self.lowerJobFunction(node)
            self.checkJobFunction(form, value, .field)
            options.append(JobForm.Option(name: optionName(index), value: value))
            values.append(self.isFunction(value) ? .builtin(.get) : value.constant)
        }
        return (zip(ProcessorForm.keyNames(values), nodes).map { ($0, $1) }, isList)
    }

    private mutating func reportRepeatedFields(_ keys: (names: [(name: String?, node: SyntaxNode)], isList: Bool)) {
        var seen = Set(ProcessorForm.windowFields)
        for (name, node) in keys.names {
            if let name, !seen.insert(name).inserted { self.reportField(name, at: node.range) }
        }
    }

    /// Whether it is known to be a function, and so no field.
    private func isFunction(_ value: Expression) -> Bool {
        switch value.kind {
        case .lambda: return true
        case .global(let name):
            guard case .function = self.globals[name]?.role else { return false }
            return true
        default: return false
        }
    }

    private mutating func reportField(_ name: String, at range: SourceRange) {
        self.diagnostics.error(
            "duplicate-name",
            "an output record would have two fields \(name)",
            help: ProcessorForm.windowFields.contains(name)
                ? "every output record has \(name) by itself: choose another name" : "choose another name",
            at: range
        )
    }

    // MARK: Aggregates

    private mutating func lowerAggregates(
        _ node: SyntaxNode,
        taken: [String?],
        _ options: inout [JobForm.Option]
    ) -> [ProcessorForm.Aggregate]? {
        let written = self.optionPairs((node.elements ?? [])[1...], of: "aggregate")
        guard !written.isEmpty else {
            _ = self.refuseClause("aggregate needs at least one :name (function …)", at: node.range)
            return nil
        }
        if written.count > ProcessorForm.aggregateLimit {
            let help = "define another processor for the others"
            self.reportLimit("aggregates", ProcessorForm.aggregateLimit, help: help, at: node.range)
        }
        let seen = Set(taken.compactMap { $0 } + ProcessorForm.windowFields)
        var aggregates: [ProcessorForm.Aggregate] = []
        for pair in written {
            if seen.contains(pair.name) { self.reportField(pair.name, at: pair.range) }
            guard let aggregate = self.lowerAggregate(pair, at: aggregates.count, &options) else { continue }
            aggregates.append(aggregate)
        }
        return aggregates.count == written.count ? aggregates : nil
    }

    /// Lowers `:name (sum :field)`.
    private mutating func lowerAggregate(
        _ pair: WrittenOption,
        at index: Int,
        _ options: inout [JobForm.Option]
    ) -> ProcessorForm.Aggregate? {
        guard case .list(let parts) = pair.value.kind, let head = parts.first?.symbol else {
            let usages = AggregateName.allCases.map(\.usage).joined(separator: ", ")
            self.diagnostics.error(
                "malformed-form",
                "expected an aggregate for :\(pair.name), found \(pair.value.description)",
                help: "right are \(usages)",
                at: pair.value.range
            )
            return nil
        }
        guard let function = AggregateName(rawValue: head) else {
            let names = AggregateName.allCases.map(\.rawValue)
            self.diagnostics.error(
                "unknown-name",
                "there is no aggregate \(head)",
                help: (NearestName.find(head, among: names).map { "did you mean \($0)? " } ?? "")
                    + "right are \(names.joined(separator: " "))",
                at: parts[0].range
            )
            return nil
        }
        let count = parts.count - 1
        let needed = function.takesParameter ? 2 : 1
        guard count == needed || function == .count && count == 0 else {
            self.diagnostics.error(
                "argument-count",
                "the aggregate \(head) doesn't take \(Self.counted(count))",
                help: "write \(function.usage)",
                at: pair.value.range
            )
            return nil
        }
        if function.takesParameter { self.lowerParameter(parts[1], of: function, at: index, &options) }
        if count > 0, let input = parts.last {
            let value = self.lowerJobFunction(input)
            self.checkJobFunction(head, value, .field)
            options.append(JobForm.Option(name: ProcessorForm.inputOption(index), value: value))
        }
        return ProcessorForm.Aggregate(
            name: pair.name,
            function: function,
            hasInput: count > 0,
            range: pair.value.range
        )
    }

    private mutating func lowerParameter(
        _ node: SyntaxNode,
        of function: AggregateName,
        at index: Int,
        _ options: inout [JobForm.Option]
    ) {
        let value = self.lower(node)
        options.append(JobForm.Option(name: ProcessorForm.parameterOption(index), value: value))
        guard let constant = value.constant, !self.diagnostics.hasError(in: value.range),
            let problem = function.problem(withParameter: constant)
        else { return }
        self.diagnostics.error("option-value", problem.message, help: problem.help, at: value.range)
    }
}
