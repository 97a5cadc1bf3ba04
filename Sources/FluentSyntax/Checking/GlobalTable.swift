/// What a program defines at its top level, found before anything is lowered: functions may be used above their
/// definition.
struct GlobalTable {
    enum Role {
        case function(parameterCount: Int)
        case value
        case job
        /// Defined by a form that this build doesn't have.
        case unavailable
    }

    struct Global {
        let role: Role
        let range: SourceRange
    }

    private(set) var globals: [String: Global] = [:]
    /// In order of definition.
    private(set) var names: [String] = []
    /// The second and later definitions of one name.
    private(set) var redefinitions: [(name: String, range: SourceRange)] = []

    init(_ forms: [SyntaxNode]) {
        for form in forms { self.collect(form) }
    }

    subscript(name: String) -> Global? { self.globals[name] }

    private mutating func collect(_ form: SyntaxNode) {
        guard case .list(let items) = form.kind, items.count >= 2 else { return }
        guard let head = items[0].symbol else { return }
        if SpecialForm(rawValue: head)?.jobKind != nil {
            self.add(items[1], .job)
        } else if head == SpecialForm.define.rawValue {
            self.collectDefine(items)
        } else if head.hasPrefix("define-") {
            self.add(items[1], .unavailable)
        }
    }

    private mutating func collectDefine(_ items: [SyntaxNode]) {
        if case .list(let signature) = items[1].kind {
            if let name = signature.first, signature.contains(where: \.isRestMarker) {
                self.add(name, .value)
            } else if let name = signature.first {
                self.add(name, .function(parameterCount: signature.count - 1))
            }
        } else if items.count == 3, let parameters = items[2].lambdaParameters {
            self.add(items[1], .function(parameterCount: parameters.count))
        } else {
            self.add(items[1], .value)
        }
    }

    private mutating func add(_ node: SyntaxNode, _ role: Role) {
        guard let name = node.symbol else { return }
        guard self.globals[name] == nil else {
            self.redefinitions.append((name, node.range))
            return
        }
        self.globals[name] = Global(role: role, range: node.range)
        self.names.append(name)
    }
}

extension SyntaxNode {
    var symbol: String? {
        if case .symbol(let name) = self.kind { name } else { nil }
    }

    /// The parameter forms of a `lambda` or `fn`; nil also where they don't say how many arguments it takes.
    var lambdaParameters: [SyntaxNode]? {
        guard case .list(let items) = self.kind, items.count >= 2 else { return nil }
        guard let head = items[0].symbol, head == "lambda" || head == "fn" else { return nil }
        guard let parameters = items[1].elements, !parameters.contains(where: \.isRestMarker) else { return nil }
        return parameters
    }

    /// What other languages write before a parameter that takes all further arguments.
    var isRestMarker: Bool {
        switch self.symbol {
        case "&", ".", "&rest", "&optional", "&key", "&body": true
        default: false
        }
    }

    /// The elements of a list or vector.
    var elements: [SyntaxNode]? {
        switch self.kind {
        case .list(let items), .vector(let items): items
        default: nil
        }
    }
}
