/// How the lines after the first of a form are indented, and where it is broken when it must be.
struct FormatStyle {
    enum Indentation {
        /// Two columns: forms with a body, and options.
        case body
        /// Below the first argument.
        case arguments
        /// One column: elements of data.
        case elements
    }

    /// What a form is to the one around it.
    enum Role {
        case code
        /// Quoted, or a pattern: nothing in it is called.
        case elements
        case parameters
        /// A condition or pattern, and what follows from it.
        case clause(hasPattern: Bool)
        /// Names and values, as pairs in brackets or in turn.
        case bindings
    }

    let indentation: Indentation
    /// So many elements after the head stay on its line when the form is broken.
    let headerCount: Int
    /// Keywords begin a line, with their value.
    let breaksBeforeOptions: Bool
    /// Elements come in twos.
    let isPaired: Bool

    init(_ node: SyntaxNode, role: Role) {
        guard case .code = role, case .list(let items) = node.kind, let head = items.first?.symbol else {
            self.init(indentation: .elements, headerCount: 0, isPaired: Self.isPaired(node, role))
            return
        }
        if head.hasPrefix("define-") {
            self.init(indentation: .body, headerCount: 1, breaksBeforeOptions: true)
        } else if let count = Self.bodyForms[head] {
            self.init(indentation: .body, headerCount: count)
        } else if head == "join", items.count > 1, items[1].elements?.first?.keywordName != nil {
            self.init(indentation: .body, headerCount: 2)
        } else if head == "group-by", items.last?.headSymbol == "aggregate" {
            self.init(indentation: .body, headerCount: 1)
        } else if head.contains(":") || head.hasPrefix("with-") || items.contains(where: { $0.keywordName != nil }) {
            self.init(indentation: .body, headerCount: 1)
        } else {
            self.init(indentation: .arguments, headerCount: 1)
        }
    }

    private init(
        indentation: Indentation,
        headerCount: Int,
        breaksBeforeOptions: Bool = false,
        isPaired: Bool = false
    ) {
        self.indentation = indentation
        self.headerCount = headerCount
        self.breaksBeforeOptions = breaksBeforeOptions
        self.isPaired = isPaired
    }

    /// How many elements belong to the head.
    private static let bodyForms = [
        "define": 1, "lambda": 1, "fn": 1, "let": 1, "letrec": 1, "for": 1, "when": 1, "unless": 1, "match": 1,
        "catch": 1, "window": 1, "process": 1, "deduplicate": 1, "on-event": 0, "on-timer": 0, "cond": 0, "do": 0,
        "begin": 0, "try": 0, "finally": 0, "receive": 0, "aggregate": 0,
        "on-failure": 1, "distributed-transaction": 0,
    ]

    private static func isPaired(_ node: SyntaxNode, _ role: Role) -> Bool {
        if case .map = node.kind { return true }
        guard case .bindings = role else { return false }
        return !Self.bindsInBrackets(node)
    }

    /// `((a 1) (b 2))` and not `[a 1 b 2]`.
    private static func bindsInBrackets(_ node: SyntaxNode) -> Bool {
        node.elements?.first?.elements != nil
    }

    /// What the element at `index` is to a form that has this role itself.
    static func role(at index: Int, of node: SyntaxNode, role: Role) -> Role {
        switch role {
        case .elements, .parameters: return .elements
        case .clause(let hasPattern): return hasPattern && index == 0 ? .elements : .code
        case .bindings: return self.bindsInBrackets(node) ? .clause(hasPattern: false) : .code
        case .code: break
        }
        switch (node.headSymbol, index) {
        case ("lambda", 1), ("fn", 1), ("define", 1): return .parameters
        case ("let", 1), ("letrec", 1), ("for", 1): return .bindings
        case ("cond", 1...): return .clause(hasPattern: false)
        case ("receive", 1...), ("match", 2...): return .clause(hasPattern: true)
        case ("quote", 1): return .elements
        default: return .code
        }
    }
}
