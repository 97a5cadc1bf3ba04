/// Turns checked-as-it-goes forms into expressions: resolves names, expands what is only another way of writing,
/// and reports everything that is wrong.
///
/// After an error it goes on with a constant in the form's place, so that one slip is one message.
struct Lowering {
    /// How deeply expressions may nest, counting the levels that `cond`, `->` and several-binding `for`s add.
    static let depthLimit = 1_000

    let source: SourceFile
    let globals: GlobalTable
    var diagnostics = DiagnosticList()
    var scope = Scope()
    /// Names whose definition was refused: using them isn't another error.
    var refusedNames: Set<String> = []
    /// The `let` names whose values are being lowered: those values can't see them.
    var namesBeingBound: [String] = []
    /// Whether a function is being lowered that runs with the state of a key.
    var isStateful = false
    var connectorCalls = ConnectorCalls()
    private var depth = 0
    private let patternProblem: ((String) -> String?)?

    init(source: SourceFile, forms: [SyntaxNode], patternProblem: ((String) -> String?)?) {
        self.source = source
        self.patternProblem = patternProblem
        self.globals = GlobalTable(forms)
    }

    /// Lowers the top-level forms.
    mutating func lowerProgram(_ forms: [SyntaxNode]) -> [Expression] {
        for (name, range) in self.globals.redefinitions {
            let first = self.globals[name].map { " at \(self.place($0.range))" } ?? ""
            self.diagnostics.error(
                "redefinition",
                "\(name) is defined twice",
                help: "the first definition is\(first); choose another name",
                at: range
            )
        }
        for case .list(let items) in forms.map(\.kind) where items.count > 1 {
            guard let head = items[0].symbol, Self.bindingFormsElsewhere.contains(head) else { continue }
            if self.globals[head] == nil, let name = items[1].symbol { self.refusedNames.insert(name) }
        }
        return forms.map { self.lowerTopLevel($0) }
    }

    private mutating func lowerTopLevel(_ form: SyntaxNode) -> Expression {
        guard case .list(let items) = form.kind, let head = items.first?.symbol else { return self.lower(form) }
        switch SpecialForm(rawValue: head) {
        case .define: return self.lowerDefine(items, range: form.range)
        case .mapReduce: return self.lowerJob(.mapReduce, items, range: form.range)
        case .streamingJob: return self.lowerJob(.streamingJob, items, range: form.range)
        case .streamProcessor: return self.lowerJob(.streamProcessor, items, range: form.range)
        default: return self.lower(form)
        }
    }

    /// Lowers a form; a function among them is called `name` in messages.
    mutating func lower(_ node: SyntaxNode, name: String = "") -> Expression {
        self.nested(1, in: node.range) { lowering in
            switch node.kind {
            case .nil: Expression(.constant(.nil), range: node.range)
            case .boolean(let value): Expression(.constant(.boolean(value)), range: node.range)
            case .integer(let value): Expression(.constant(.integer(value)), range: node.range)
            case .float(let value): Expression(.constant(.float(value)), range: node.range)
            case .string(let text): Expression(.constant(.string(Array(text.utf8))), range: node.range)
            case .regex(let pattern): Expression(.constant(lowering.regex(pattern, at: node.range)), range: node.range)
            case .keyword(let name): Expression(.constant(.keyword(name)), range: node.range)
            case .symbol(let name): lowering.lowerName(name, range: node.range)
            case .list(let items): lowering.lowerList(items, range: node.range, name: name)
            case .vector(let items): lowering.lowerVector(items, range: node.range)
            case .map(let items): lowering.lowerMap(items, range: node.range)
            case .quote(let quoted): Expression(.constant(lowering.constant(quoted)), range: node.range)
            }
        }
    }

    mutating func regex(_ pattern: String, at range: SourceRange) -> Constant {
        if let problem = self.patternProblem?(pattern) {
            self.diagnostics.error(
                "invalid-pattern",
                "this regular expression doesn't compile: \(problem)",
                help: "to match one of ( ) [ ] { } * + ? . ^ $ | itself, write a backslash before it",
                at: range
            )
        }
        return .regex(pattern)
    }

    /// Runs `body` so many levels deeper, unless that is too deep.
    mutating func nested(
        _ levels: Int,
        in range: SourceRange,
        _ body: (inout Lowering) -> Expression
    ) -> Expression {
        guard self.canNest(levels) else { return self.failNesting(in: range) }
        self.depth += levels
        defer { self.depth -= levels }
        return body(&self)
    }

    func canNest(_ levels: Int) -> Bool { self.depth + levels <= Self.depthLimit }

    mutating func failNesting(in range: SourceRange) -> Expression {
        self.fail(
            "nesting-limit",
            "expressions are nested deeper than \(Self.depthLimit) levels once they are expanded",
            help: "move parts into functions of their own",
            at: range
        )
    }

    /// Lowers several body forms; none is an error that names the form.
    mutating func lowerBody(_ forms: ArraySlice<SyntaxNode>, of form: String, range: SourceRange) -> Expression {
        guard let first = forms.first, let last = forms.last else {
            return self.fail("malformed-form", "\(form) needs a body", help: self.usage(of: form), at: range)
        }
        guard forms.count > 1 else { return self.lower(first) }
        let lowered = forms.map { self.lower($0) }
        return Expression(.sequence(lowered), range: SourceRange(start: first.range.start, end: last.range.end))
    }

    // MARK: Reports

    /// Reports an error and stands in for the form.
    mutating func fail(
        _ code: String,
        _ message: String,
        help: String = "",
        at range: SourceRange
    ) -> Expression {
        self.diagnostics.error(code, message, help: help, at: range)
        return Expression(.constant(.nil), range: range)
    }

    mutating func malformed(_ form: SpecialForm, _ message: String, at range: SourceRange) -> Expression {
        self.fail("malformed-form", message, help: "write \(form.usage)", at: range)
    }

    func usage(of form: String) -> String {
        SpecialForm(rawValue: form).map { "write \($0.usage)" } ?? ""
    }

    /// Ends bindings, with a warning for each that nothing used.
    mutating func leaveScope(_ mark: Int) {
        for local in self.scope.leave(mark) {
            let name = local.variable.name
            self.diagnostics.warning(
                "unused-binding",
                "\(name) is never used",
                help: "remove it, or call it _\(name) to say that this is meant",
                at: local.range
            )
        }
    }

    func place(_ range: SourceRange) -> String {
        let location = self.source.location(of: range.start)
        return "\(location.line):\(location.column)"
    }
}
