extension Lowering {
    /// A clause is compared with so many clauses before it, to find out whether it can be reached.
    private static let comparedClauseLimit = 256

    mutating func lowerMatch(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        guard items.count >= 3 else {
            return self.malformed(.match, "match needs a value and at least one clause", at: range)
        }
        let value = self.lower(items[1])
        var clauses: [MatchClause] = []
        var ranges: [SourceRange] = []
        for item in items[2...] {
            guard let parts = item.elements, parts.count >= 2 else {
                _ = self.malformed(
                    .match,
                    "expected a clause (pattern result), found \(item.description)",
                    at: item.range
                )
                continue
            }
            guard let clause = self.lowerClause(parts, range: item.range) else { continue }
            let compared = clauses.prefix(Self.comparedClauseLimit)
            if let earlier = compared.firstIndex(where: { $0.pattern.covers(clause.pattern) }) {
                self.reportUnreachableArm(parts[0].range, after: ranges[earlier])
            }
            clauses.append(clause)
            ranges.append(parts[0].range)
        }
        return Expression(.match(value, clauses), range: range)
    }

    private mutating func lowerClause(_ parts: [SyntaxNode], range: SourceRange) -> MatchClause? {
        let mark = self.scope.mark
        var names: Set<String> = []
        let pattern = self.lowerPattern(parts[0], names: &names)
        let body = self.lowerBody(parts[1...], of: "match", range: range)
        self.leaveScope(mark)
        return pattern.map { MatchClause($0, body) }
    }

    private mutating func reportUnreachableArm(_ range: SourceRange, after earlier: SourceRange) {
        self.diagnostics.error(
            "unreachable-arm",
            "this clause is never reached",
            help:
                "the pattern at \(self.place(earlier)) takes everything that this one would: put it last or remove one",
            at: range
        )
    }

    // MARK: Patterns

    private mutating func lowerPattern(_ node: SyntaxNode, names: inout Set<String>) -> Pattern? {
        switch node.kind {
        case .nil, .boolean, .integer, .float, .string, .keyword: return .constant(self.constant(node))
        case .quote(let inner): return .constant(self.constant(inner))
        case .symbol(let name): return self.lowerNamePattern(name, node, names: &names)
        case .vector(let items): return self.lowerPatterns(items[...], names: &names).map { .list($0) }
        case .list(let items): return self.lowerListPattern(items, node, names: &names)
        case .map(let items): return self.lowerMapPattern(items, names: &names)
        case .regex:
            return self.refusePattern(
                node,
                "a regular expression isn't a pattern",
                help: "write (when text (re-match #\"…\" text))"
            )
        }
    }

    private mutating func refusePattern(_ node: SyntaxNode, _ message: String, help: String) -> Pattern? {
        self.diagnostics.error("malformed-form", message, help: help, at: node.range)
        return nil
    }

    private mutating func lowerNamePattern(
        _ name: String,
        _ node: SyntaxNode,
        names: inout Set<String>
    ) -> Pattern? {
        if name == "_" || name == "else" { return .any }
        guard names.insert(name).inserted else {
            return self.refusePattern(
                node,
                "\(name) comes twice in one pattern",
                help: "give each part its own name and compare them: (when [a b] (= a b))"
            )
        }
        return self.bind(node, what: "a part of the value").map { .binding($0) }
    }

    private mutating func lowerPatterns(
        _ nodes: ArraySlice<SyntaxNode>,
        names: inout Set<String>
    ) -> [Pattern]? {
        var patterns: [Pattern] = []
        for node in nodes {
            if let pattern = self.lowerPattern(node, names: &names) { patterns.append(pattern) }
        }
        return patterns.count == nodes.count ? patterns : nil
    }

    private mutating func lowerListPattern(
        _ items: [SyntaxNode],
        _ node: SyntaxNode,
        names: inout Set<String>
    ) -> Pattern? {
        guard let head = items.first else { return .list([]) }
        guard let word = head.symbol else {
            return self.refusePattern(
                node,
                "expected a symbol at the beginning of a pattern in parentheses, found \(head.description)",
                help: "write [a b] for a list of two elements"
            )
        }
        guard word == SpecialForm.when.rawValue else {
            return self.lowerPatterns(items[1...], names: &names).map { .message(head: word, $0) }
        }
        guard items.count == 3 else {
            return self.refusePattern(
                node,
                "a guarded pattern has a pattern and a condition",
                help: "write (when pattern condition)"
            )
        }
        let pattern = self.lowerPattern(items[1], names: &names)
        let guarding = self.lower(items[2])
        return pattern.map { .guarded($0, guarding) }
    }

    private mutating func lowerMapPattern(_ items: [SyntaxNode], names: inout Set<String>) -> Pattern? {
        var entries: [MapPatternEntry] = []
        var isComplete = true
        for index in stride(from: 0, to: items.count - 1, by: 2) {
            guard let key = self.patternKey(items[index]) else {
                isComplete = false
                continue
            }
            guard let pattern = self.lowerPattern(items[index + 1], names: &names) else {
                isComplete = false
                continue
            }
            entries.append(MapPatternEntry(key.asKey, pattern))
        }
        return isComplete ? .map(entries) : nil
    }

    private mutating func patternKey(_ node: SyntaxNode) -> Constant? {
        switch node.kind {
        case .nil, .boolean, .integer, .float, .string, .keyword, .quote:
            if case .quote(let inner) = node.kind { return self.constant(inner) }
            return self.constant(node)
        case .symbol, .list, .vector, .map, .regex:
            _ = self.refusePattern(
                node,
                "the keys of a map pattern are written out, found \(node.description)",
                help: "write {:name pattern}"
            )
            return nil
        }
    }
}

extension Pattern {
    /// Everything that `other` takes, this takes too.
    ///
    /// A false answer proves nothing: guards aren't looked into.
    func covers(_ other: Pattern) -> Bool {
        if case .guarded(let inner, _) = other { return self.covers(inner) }
        switch (self, other) {
        case (.any, _), (.binding, _): return true
        case (.guarded, _): return false
        case (.constant(let left), .constant(let right)): return left.asComparedKey == right.asComparedKey
        case (.list(let left), .list(let right)): return Self.cover(left, right)
        case (.message(let leftHead, let left), .message(let rightHead, let right)):
            return leftHead == rightHead && Self.cover(left, right)
        case (.map(let left), .map(let right)):
            return left.allSatisfy { entry in
                right.contains { $0.key.asComparedKey == entry.key.asComparedKey && entry.pattern.covers($0.pattern) }
            }
        case (.constant, _), (.list, _), (.message, _), (.map, _): return false
        }
    }

    private static func cover(_ left: [Pattern], _ right: [Pattern]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { $0.covers($1) }
    }
}
