extension Lowering {
    static let deduplicateUsage = "(deduplicate KEY :within \"1 h\")"
    static let processUsage =
        "(process KEY [:ttl \"30 d\"] (on-event (lambda (event) …)) [(on-timer (lambda (time) …))])"

    /// Lowers a clause at which records are exchanged by key.
    ///
    /// - Returns: Nil after an error.
    mutating func lowerStage(
        _ kind: ProcessorForm.Stage.Kind,
        _ clause: SyntaxNode,
        at place: (stage: Int, step: Int),
        _ options: inout [JobForm.Option]
    ) -> ProcessorForm.Stage? {
        guard place.stage < ProcessorForm.stageLimit else {
            let help = "do several things in one process"
            self.reportLimit("keyed stages", ProcessorForm.stageLimit, help: help, at: clause.range)
            return nil
        }
        if kind == .join { return self.lowerJoin(clause, at: place, &options) }
        guard let items = clause.elements, items.count >= 2, items[1].keywordName != "within" else {
            return self.refuseStage(kind, "\(kind.rawValue) needs a key", at: clause.range)
        }
        let keys = self.lowerKeys(
            items[1],
            of: kind.rawValue,
            named: { ProcessorForm.stageOption(place.stage, "key \($0)") },
            &options
        )
        let parts = ProcessorParts(items[2...])
        let functions = parts.clauses.compactMap { self.lowerStateful($0, of: kind, at: place.stage, &options) }
        guard functions.count == parts.clauses.count else { return nil }
        guard kind != .process || functions.contains("on-event") else {
            return self.refuseStage(kind, "process needs an on-event", at: clause.range)
        }
        guard Set(functions).count == functions.count else {
            return self.refuseStage(kind, "process has one on-event, and at most one on-timer", at: clause.range)
        }
        let written = self.lowerStageOptions(parts.options, of: kind, at: place.stage, &options)
        guard kind != .deduplicate || written.contains("within") else {
            let message = "deduplicate needs :within: for how long a key isn't let through again"
            return self.refuseStage(kind, message, at: clause.range)
        }
        return ProcessorForm.Stage(
            kind: kind,
            stepCount: place.step,
            keyCount: keys.names.count,
            hasKeyList: keys.isList,
            hasTimer: functions.contains("on-timer"),
            range: clause.range
        )
    }

    private mutating func refuseStage(
        _ kind: ProcessorForm.Stage.Kind,
        _ message: String,
        at range: SourceRange
    ) -> ProcessorForm.Stage? {
        self.diagnostics.error("malformed-form", message, help: "write \(kind.usage)", at: range)
        return nil
    }

    private mutating func lowerStageOptions(
        _ nodes: [SyntaxNode],
        of kind: ProcessorForm.Stage.Kind,
        at stage: Int,
        _ options: inout [JobForm.Option]
    ) -> [String] {
        let written = self.optionPairs(nodes[...], of: kind.rawValue)
        for option in written {
            let value = self.lower(option.value)
            guard kind.optionNames.contains(option.name) else {
                let nearest = NearestName.find(option.name, among: kind.optionNames)
                self.diagnostics.error(
                    "unknown-option",
                    "\(kind.rawValue) has no option :\(option.name)",
                    help: (nearest.map { "did you mean :\($0)? " } ?? "") + "write \(kind.usage)",
                    at: option.range
                )
                continue
            }
            if option.name != "name" { self.checkSpan(":" + option.name, value, atLeast: 1) }
            options.append(JobForm.Option(name: ProcessorForm.stageOption(stage, option.name), value: value))
        }
        return written.map(\.name)
    }

    /// Lowers `(on-event F)` or `(on-timer F)` and returns which of them it is.
    private mutating func lowerStateful(
        _ clause: SyntaxNode,
        of kind: ProcessorForm.Stage.Kind,
        at stage: Int,
        _ options: inout [JobForm.Option]
    ) -> String? {
        guard kind == .process, let name = clause.headSymbol, ["on-event", "on-timer"].contains(name) else {
            _ = self.refuseStage(kind, "\(kind.rawValue) can't have this clause", at: clause.range)
            return nil
        }
        let shape: FunctionShape = name == "on-event" ? .event : .timer
        guard let parts = clause.elements, parts.count == 2 else {
            self.diagnostics.error(
                "argument-count",
                "\(name) takes a function",
                help: "write (\(name) \(shape.usage))",
                at: clause.range
            )
            return nil
        }
        self.isStateful = true
        let value = self.lowerJobFunction(parts[1])
        self.isStateful = false
        self.checkJobFunction(name, value, shape)
        options.append(JobForm.Option(name: ProcessorForm.stageOption(stage, name), value: value))
        return name
    }

    /// `state` and `key` where a function runs with the state of a key.
    func statefulValue(_ name: String, range: SourceRange) -> Expression? {
        guard self.isStateful, let builtin = Builtin(name: name), builtin == .state || builtin == .groupKey else {
            return nil
        }
        return Expression(.builtin(builtin, arguments: []), range: range)
    }

    /// `(emit record)` in such a function: the record goes on as it is.
    mutating func passing(_ arguments: [Expression], range: SourceRange) -> Expression {
        guard arguments.count == 1 else {
            return self.fail(
                "argument-count",
                "emit takes the record here, got \(Self.counted(arguments.count))",
                help: "write (emit record): what follows gives it its key",
                at: range
            )
        }
        let key = Expression(.constant(.nil), range: range)
        return Expression(.builtin(.emit, arguments: [key] + arguments), range: range)
    }
}

extension Lowering.FunctionShape {
    fileprivate static let event = Self(counts: 1...1, usage: "(lambda (event) …)")
    fileprivate static let timer = Self(counts: 1...1, usage: "(lambda (time) …)")
}

extension ProcessorForm.Stage.Kind {
    fileprivate var usage: String {
        switch self {
        case .keyBy: "(key-by KEY)"
        case .deduplicate: Lowering.deduplicateUsage
        case .process: Lowering.processUsage
        case .join: Lowering.joinUsage
        }
    }

    fileprivate var optionNames: [String] {
        switch self {
        case .keyBy, .join: []
        case .deduplicate: ["within", "name"]
        case .process: ["ttl", "name"]
        }
    }
}
