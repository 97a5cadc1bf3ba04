extension Lowering {
    /// Lowers `( … )`: a form, a call, or something that can't be called.
    mutating func lowerList(_ items: [SyntaxNode], range: SourceRange, name: String) -> Expression {
        guard let head = items.first else { return Expression(.constant(.list([])), range: range) }
        switch head.kind {
        case .symbol(let word): return self.lowerHead(word, items, range: range, name: name)
        case .keyword(let key): return self.lowerKeywordCall(key, items, range: range)
        case .list: return self.lowerCall(items, range: range)
        case .nil, .boolean, .integer, .float, .string, .regex, .vector, .map, .quote:
            return self.fail(
                "not-a-function",
                "\(head.description) can't be called",
                help: "write [1 2] or (list 1 2) for a list, do for several forms",
                at: head.range
            )
        }
    }

    private mutating func lowerHead(
        _ word: String,
        _ items: [SyntaxNode],
        range: SourceRange,
        name: String
    ) -> Expression {
        if self.scope.contains(word) { return self.lowerCall(items, range: range) }
        if let form = SpecialForm(rawValue: word) { return self.lowerForm(form, items, range: range, name: name) }
        if let global = self.globals[word] {
            guard case .unavailable = global.role else { return self.lowerCall(items, range: range) }
            return self.refuseForm(items, at: range)
        }
        if UnavailableForm.contains(word) { return self.refuseForm(items, at: range) }
        if ConnectorName(rawValue: word) != nil { return self.lowerConnector(items, range: range) }
        if let setting = StreamSetting(rawValue: word) { return self.lowerSetting(setting, items, range: range) }
        if let builtin = Builtin(name: word) { return self.lowerBuiltin(builtin, items, range: range) }
        return self.lowerUnknownCall(word, items, range: range)
    }

    private mutating func lowerUnknownCall(_ word: String, _ items: [SyntaxNode], range: SourceRange) -> Expression {
        // What stands in a form that defines or binds names means nothing without it.
        let definesNames = word.hasPrefix("define-") || Self.bindingFormsElsewhere.contains(word)
        if definesNames { self.noteUses(in: items.dropFirst()) }
        let unknown = self.failUnknown(word, at: items[0].range)
        if !definesNames {
            for item in items.dropFirst() { _ = self.lower(item) }
        }
        return unknown
    }

    /// Forms of other languages that name functions and values.
    static let bindingFormsElsewhere: Set<String> = [
        "def", "defn", "defn-", "defun", "defmacro", "defvar", "defparameter", "let*", "loop", "setq",
    ]

    /// Refuses a form that this build doesn't have, without looking into it.
    private mutating func refuseForm(_ items: [SyntaxNode], at range: SourceRange) -> Expression {
        self.noteUses(in: items.dropFirst())
        let refused = self.refuse(items[0].symbol ?? "", at: items[0].range)
        return Expression(refused.kind, range: range)
    }

    /// Counts the names in forms that aren't lowered as used.
    private mutating func noteUses(in nodes: ArraySlice<SyntaxNode>) {
        for node in nodes {
            switch node.kind {
            case .symbol(let name): self.scope.noteUse(of: name)
            case .list(let items), .vector(let items), .map(let items): self.noteUses(in: items[...])
            case .quote(let inner): self.noteUses(in: [inner])
            case .nil, .boolean, .integer, .float, .string, .regex, .keyword: break
            }
        }
    }

    private mutating func lowerForm(
        _ form: SpecialForm,
        _ items: [SyntaxNode],
        range: SourceRange,
        name: String
    ) -> Expression {
        switch form {
        case .lambda, .fn: return self.lowerLambda(items, range: range, name: name)
        case .let: return self.lowerLet(items, range: range)
        case .letrec: return self.lowerLetrec(items, range: range)
        case .define: return self.refuseInnerDefinition(items)
        case .mapReduce, .streamingJob, .streamProcessor:
            _ = self.refuseInnerDefinition(items)
            return self.lowerJob(form, items, range: range)
        case .if: return self.lowerIf(items, range: range)
        case .when, .unless: return self.lowerWhen(form, items, range: range)
        case .cond: return self.lowerCond(items, range: range)
        case .and: return self.lowerShortCircuit(items, range: range, empty: .boolean(true)) { .and($0) }
        case .or: return self.lowerShortCircuit(items, range: range, empty: .nil) { .or($0) }
        case .do, .begin:
            guard items.count > 1 else { return Expression(.constant(.nil), range: range) }
            return self.lowerBody(items[1...], of: form.rawValue, range: range)
        case .for: return self.lowerFor(items, range: range)
        case .match: return self.lowerMatch(items, range: range)
        case .attempt: return self.lowerTry(items, range: range)
        case .threadFirst, .pipe, .threadLast: return self.lowerThread(form, items, range: range)
        case .assign: return self.refuseAssignment(items, range: range)
        case .quote:
            guard items.count == 2 else { return self.malformed(.quote, "quote takes one form", at: range) }
            return Expression(.constant(self.constant(items[1])), range: range)
        }
    }

    private mutating func refuseAssignment(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        self.noteUses(in: items.dropFirst())
        let name = items.dropFirst().first?.symbol ?? "a name"
        return self.fail(
            "no-assignment",
            "set! can't change \(name): names keep their values",
            help: "bind the new value with let, or carry it along with fold or reduce",
            at: items[0].range
        )
    }

    /// Lowers `(:name m)` and `(:name m default)`.
    private mutating func lowerKeywordCall(_ key: String, _ items: [SyntaxNode], range: SourceRange) -> Expression {
        let constant = Expression(.constant(.keyword(key)), range: items[0].range)
        let arguments = items.dropFirst().map { self.lower($0) }
        guard (1...2).contains(arguments.count) else {
            return self.fail(
                "argument-count",
                ":\(key) as a function takes a map and perhaps a default, got \(Self.counted(arguments.count))",
                help: "write (:\(key) value) or (:\(key) value default)",
                at: range
            )
        }
        var all = [arguments[0], constant]
        all.append(contentsOf: arguments.dropFirst())
        return Expression(.builtin(.get, arguments: all), range: range)
    }
}
