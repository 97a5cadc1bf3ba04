extension Lowering {
    static let joinUsage = "(join (:left KEY) (:right KEY) [:from \"-5 min\"] :to \"1 h\" [(lambda (left right) …)])"

    /// Lowers `(join (:left KEY) (:right KEY) :from SPAN :to SPAN F)`.
    ///
    /// - Returns: Nil after an error.
    mutating func lowerJoin(
        _ clause: SyntaxNode,
        at place: (stage: Int, step: Int),
        _ options: inout [JobForm.Option]
    ) -> ProcessorForm.Stage? {
        guard place.stage == 0 else {
            self.diagnostics.error(
                "malformed-form",
                "a join is the first keyed stage of a processor: behind another nothing tells the source of a record",
                help: "move it there, or write what it joins to topics and join those with another processor",
                at: clause.range
            )
            return nil
        }
        let items = clause.elements ?? []
        guard items.count >= 3, items[1].keywordName == nil, items[2].keywordName == nil else {
            return self.refuseJoin("join needs two sides", at: clause.range)
        }
        guard let left = self.lowerSide(items[1], named: { ProcessorForm.stageOption(0, "key \($0)") }, &options),
            let right = self.lowerSide(items[2], named: { ProcessorForm.rightKeyOption(0, $0) }, &options),
            self.checkSides(left, right, options.first { $0.name == JobForm.Kind.streamProcessor.sourceOption }?.value),
            let hasFunction = self.lowerJoinRest(items[3...], of: clause, &options)
        else { return nil }
        return ProcessorForm.Stage(
            kind: .join,
            stepCount: place.step,
            keyCount: left.keyCount,
            hasKeyList: left.hasKeyList,
            hasTimer: false,
            join: ProcessorForm.Join(
                left: left.name,
                right: right.name,
                rightKeyCount: right.keyCount,
                hasRightKeyList: right.hasKeyList,
                hasFunction: hasFunction
            ),
            range: clause.range
        )
    }

    private mutating func refuseJoin<Result>(_ message: String, at range: SourceRange) -> Result? {
        self.diagnostics.error("malformed-form", message, help: "write \(Self.joinUsage)", at: range)
        return nil
    }

    // MARK: Sides

    private struct JoinSide {
        let name: String
        let keyCount: Int
        let hasKeyList: Bool
        let range: SourceRange
    }

    /// Lowers `(:orders :id)`.
    private mutating func lowerSide(
        _ node: SyntaxNode,
        named optionName: (Int) -> String,
        _ options: inout [JobForm.Option]
    ) -> JoinSide? {
        guard case .list(let parts) = node.kind, parts.count == 2, let name = parts[0].keywordName else {
            return self.refuseJoin("expected a side of the join, found \(node.description)", at: node.range)
        }
        let keys = self.lowerKeys(parts[1], of: "join", named: optionName, &options)
        return JoinSide(name: name, keyCount: keys.names.count, hasKeyList: keys.isList, range: parts[0].range)
    }

    /// Whether the sides are those of the source, as far as that is known.
    private mutating func checkSides(_ left: JoinSide, _ right: JoinSide, _ source: Expression?) -> Bool {
        if left.name == right.name {
            self.diagnostics.error(
                "duplicate-name",
                "both sides of the join are :\(left.name)",
                help: "read it twice, under two names, to join a source with itself",
                at: right.range
            )
            return false
        }
        if left.keyCount != right.keyCount || left.hasKeyList != right.hasKeyList {
            self.diagnostics.error(
                "malformed-form",
                "the keys of both sides can't be equal: they are of different forms",
                help: "write one key on both sides, or as many in brackets",
                at: right.range
            )
            return false
        }
        guard let source, let names = source.unionNames, !self.diagnostics.hasError(in: source.range) else {
            return true
        }
        for side in [left, right] where !names.contains(side.name) {
            let nearest = NearestName.find(side.name, among: names)
            self.diagnostics.error(
                "unknown-name",
                "the source of this processor has no part :\(side.name)",
                help: (nearest.map { "did you mean :\($0)? " } ?? "")
                    + "name both sides: (union :\(left.name) SOURCE :\(right.name) SOURCE)",
                at: side.range
            )
            return false
        }
        guard let other = names.first(where: { $0 != left.name && $0 != right.name }) else { return true }
        let found = other.isEmpty ? "a source without a name" : "the source :\(other)"
        self.diagnostics.error(
            "option-value",
            "\(found) is on no side of the join, which would leave its records out",
            help: "read it with another processor, or make it a part of a side: (union :\(left.name) (union …) …)",
            at: source.range
        )
        return false
    }

    // MARK: What follows

    /// Lowers the options and the function.
    ///
    /// - Returns: Whether there is a function; nil after an error.
    private mutating func lowerJoinRest(
        _ items: ArraySlice<SyntaxNode>,
        of clause: SyntaxNode,
        _ options: inout [JobForm.Option]
    ) -> Bool? {
        var pairs: [SyntaxNode] = []
        var functions: [SyntaxNode] = []
        var index = items.startIndex
        while index < items.endIndex {
            let end = items[index].keywordName == nil ? index + 1 : min(index + 2, items.endIndex)
            if end == index + 1, items[index].keywordName == nil {
                functions.append(items[index])
            } else {
                pairs += items[index..<end]
            }
            index = end
        }
        if functions.count > 1 { return self.refuseJoin("join takes one function", at: functions[1].range) }
        let written = self.optionPairs(pairs[...], of: "join")
        var interval: [String: Expression] = [:]
        for option in written {
            interval[option.name] = self.lowerJoinOption(option, &options)
        }
        if let node = functions.first {
            let value = self.lowerJobFunction(node)
            self.checkJobFunction("join", value, .joined)
            let name = ProcessorForm.stageOption(0, ProcessorForm.Join.functionOption)
            options.append(JobForm.Option(name: name, value: value))
        }
        guard !self.diagnostics.hasError(in: clause.range) else { return nil }
        guard let to = interval["to"] else {
            let message = "join needs :to: by how much a right record may be later than a left one"
            return self.refuseJoin(message, at: clause.range)
        }
        return self.checkInterval(from: interval["from"], to: to) ? !functions.isEmpty : nil
    }

    private mutating func lowerJoinOption(
        _ option: WrittenOption,
        _ options: inout [JobForm.Option]
    ) -> Expression {
        let value = self.lower(option.value)
        let names = ["from", "to", "name"]
        guard names.contains(option.name) else {
            let nearest = NearestName.find(option.name, among: names)
            self.diagnostics.error(
                "unknown-option",
                "join has no option :\(option.name)",
                help: (nearest.map { "did you mean :\($0)? " } ?? "") + "write \(Self.joinUsage)",
                at: option.range
            )
            return value
        }
        if option.name != "name", let constant = value.constant, !self.diagnostics.hasError(in: value.range),
            let problem = TimeSpan.offsetProblem(with: constant)
        {
            let message = ":\(option.name) \(problem)"
            self.diagnostics.error("option-value", message, help: TimeSpan.offsetAdvice, at: value.range)
        }
        options.append(JobForm.Option(name: ProcessorForm.stageOption(0, option.name), value: value))
        return value
    }

    private mutating func checkInterval(from: Expression?, to: Expression) -> Bool {
        let start = from.map { $0.constant.flatMap { TimeSpan.offsetMilliseconds(of: $0) } } ?? 0
        guard let start, let end = to.constant.flatMap({ TimeSpan.offsetMilliseconds(of: $0) }), start > end else {
            return true
        }
        let message = ProcessorForm.Join.problem(from: start, to: end)
        self.diagnostics.error("option-value", message, help: TimeSpan.offsetAdvice, at: to.range)
        return false
    }
}

extension Lowering.FunctionShape {
    fileprivate static let joined = Self(counts: 2...2, usage: "(lambda (left right) …)")
}

extension Expression {
    /// What a source calls its parts, empty for those without a name; nil where that isn't known before it is evaluated.
    fileprivate var unionNames: [String]? {
        guard case .connector(let name, let arguments, let options) = self.kind else { return nil }
        guard name == ConnectorName.union.rawValue else { return [""] }
        var names = options.map(\.name)
        for argument in arguments {
            guard let inner = argument.unionNames else { return nil }
            names += inner
        }
        return names
    }
}
