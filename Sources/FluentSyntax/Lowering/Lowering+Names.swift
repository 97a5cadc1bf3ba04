extension Lowering {
    /// Lowers a name that stands for its value.
    mutating func lowerName(_ name: String, range: SourceRange) -> Expression {
        if let local = self.scope.resolve(name) { return Expression(.variable(local.variable), range: range) }
        if let value = self.statefulValue(name, range: range) { return value }
        if let global = self.globals[name] {
            guard case .unavailable = global.role else { return Expression(.global(name), range: range) }
            // Its definition was refused already.
            return Expression(.constant(.nil), range: range)
        }
        if let form = SpecialForm(rawValue: name) {
            return self.fail(
                "not-a-value",
                "\(name) is a form of the language, not a value",
                help: "write \(form.usage)",
                at: range
            )
        }
        if UnavailableForm.contains(name) { return self.refuse(name, at: range) }
        if ConnectorName(rawValue: name) != nil {
            return self.fail(
                "not-a-value",
                "\(name) makes a source or sink when it is called",
                help: "write (\(name))",
                at: range
            )
        }
        if let setting = StreamSetting(rawValue: name) {
            return self.fail(
                "not-a-value",
                "\(name) makes \(setting.isWindow ? "a window" : "a setting") when it is called",
                help: "write \(setting.usage)",
                at: range
            )
        }
        if let builtin = Builtin(name: name) { return Expression(.constant(.builtin(builtin)), range: range) }
        return self.failUnknown(name, at: range)
    }

    /// Refuses something that a later build has.
    mutating func refuse(_ name: String, at range: SourceRange) -> Expression {
        self.fail(
            "not-available",
            "\(name) is not available in this build",
            help: "this build has define-mapreduce, define-streaming-job and define-stream-processor",
            at: range
        )
    }

    mutating func failUnknown(_ name: String, at range: SourceRange) -> Expression {
        guard !self.refusedNames.contains(name) else { return Expression(.constant(.nil), range: range) }
        guard !self.diagnostics.isFull else { return self.fail("unknown-name", "unknown name \(name)", at: range) }
        return self.fail("unknown-name", "unknown name \(name)", help: self.advice(onUnknown: name), at: range)
    }

    private func advice(onUnknown name: String) -> String {
        if self.namesBeingBound.contains(name) {
            return "let binds it after its value: use letrec for a function that calls itself"
        }
        if name == "_" { return "_ stands for anything in a pattern, and has no value" }
        if let form = SpecialForm.form(containing: name) {
            return "\(name) belongs into \(form): \(self.usage(of: form))"
        }
        if name == "window" || name == "aggregate" {
            return "\(name) belongs into define-stream-processor: \(self.usage(of: "define-stream-processor"))"
        }
        if let known = Self.otherLanguages[name] { return known }
        if name.hasPrefix("+"), case .integer = NumberText.parse(String(name.dropFirst())) {
            return "write \(name.dropFirst())"
        }
        let candidates =
            self.scope.names + self.globals.names + Builtin.names + SpecialForm.allCases.map(\.rawValue)
            + ConnectorName.allCases.map(\.rawValue) + StreamSetting.allCases.map(\.rawValue)
        guard let nearest = NearestName.find(name, among: candidates) else {
            return "define it at the top level, or bind it with let"
        }
        return "did you mean \(nearest)?"
    }

    /// Names that people bring along, and what they are called here.
    private static let otherLanguages = [
        "def": "use define",
        "defn": "use (define (name a b) body…)",
        "defun": "use (define (name a b) body…)",
        "let*": "use let: its bindings see the earlier ones",
        "progn": "use do",
        "print": "use println",
        "foldl": "use fold or reduce",
        "null?": "use nil? or empty?",
        "len": "use count",
        "size": "use count",
        "modulo": "use mod",
        "quotient": "use quot",
        "remainder": "use rem",
        "string-append": "use str",
        "to-string": "use str",
        "setq": "values don't change: use let",
        "loop": "use for over a range, or a function that calls itself",
        "while": "use for over a range, or a function that calls itself",
        "recur": "call the function by its name: a tail call of itself takes no stack",
    ]

    /// Binds a name that a form introduces, or reports why it can't be; nil then.
    mutating func bind(
        _ node: SyntaxNode,
        what: String,
        parameterCount: Int? = nil,
        warnsWhenUnused: Bool = true
    ) -> Variable? {
        guard let name = node.symbol else {
            self.diagnostics.error(
                "malformed-form",
                "expected a name for \(what), found \(node.description)",
                help: "use match to take a value apart",
                at: node.range
            )
            return nil
        }
        guard self.canBind(name, at: node.range) else { return nil }
        return self.scope.bind(
            name,
            at: node.range,
            parameterCount: parameterCount,
            warnsWhenUnused: warnsWhenUnused
        )
    }

    /// Names of forms can't be bound.
    mutating func canBind(_ name: String, at range: SourceRange) -> Bool {
        guard SpecialForm(rawValue: name) != nil || SpecialForm.form(containing: name) != nil else { return true }
        self.diagnostics.error(
            "reserved-name",
            "\(name) is a form of the language and can't be bound",
            help: "choose another name",
            at: range
        )
        return false
    }
}

extension SyntaxNode {
    /// What it is, for messages.
    var description: String {
        switch self.kind {
        case .nil: "nil"
        case .boolean(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .float(let value): FloatText.text(of: value)
        case .string: "a string"
        case .regex: "a regular expression"
        case .keyword(let name): ":\(name)"
        case .symbol(let name): name
        case .list: "a form in parentheses"
        case .vector: "a vector"
        case .map: "a map"
        case .quote: "quoted data"
        }
    }
}
