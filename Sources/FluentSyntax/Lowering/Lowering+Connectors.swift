import CoreTypes

extension Lowering {
    /// `(distributed-files "…" :format 'csv)`: positional arguments, then options.
    mutating func lowerConnector(_ items: [SyntaxNode], range: SourceRange) -> Expression {
        let name = items[0].symbol ?? ""
        if name == ConnectorName.union.rawValue { return self.lowerUnion(items, range: range) }
        if name == ConnectorName.table.rawValue { return self.lowerTable(items, range: range) }
        let (arguments, written) = self.callParts(items)
        let options = written.map { pair in
            JobForm.Option(name: pair.name, value: self.lowerOption(pair.name, pair.value))
        }
        if name == ConnectorName.stdout.rawValue, let first = arguments.first {
            return self.fail("argument-count", "stdout takes options only", help: "write (stdout)", at: first.range)
        }
        self.connectorCalls.add(
            ConnectorCalls.Call(
                name: name,
                arguments: arguments,
                options: options,
                keywords: written.map(\.range),
                range: range
            )
        )
        if let place = ConnectorName(rawValue: name)?.place, arguments.isEmpty {
            return self.fail(
                "argument-count",
                "\(name) needs \(place.noun)",
                help: "write (\(name) \(place.example))",
                at: range
            )
        }
        return Expression(.connector(name: name, arguments: arguments, options: options), range: range)
    }

    /// The positional arguments of a call, lowered, and its options as written.
    mutating func callParts(_ items: [SyntaxNode]) -> (arguments: [Expression], options: [WrittenOption]) {
        var index = 1
        var arguments: [Expression] = []
        while index < items.count, items[index].keywordName == nil {
            arguments.append(self.lower(items[index]))
            index += 1
        }
        return (arguments, self.optionPairs(items[index...], of: items[0].symbol ?? ""))
    }

    struct WrittenOption {
        let name: String
        let value: SyntaxNode
        /// Of the keyword.
        let range: SourceRange
    }

    /// The `:name value` pairs of a form; duplicates and what isn't a pair are reported and left out.
    mutating func optionPairs(_ items: ArraySlice<SyntaxNode>, of form: String) -> [WrittenOption] {
        var pairs: [WrittenOption] = []
        var firstPlaces: [String: SourceRange] = [:]
        var index = items.startIndex
        while index < items.endIndex {
            let item = items[index]
            guard let name = item.keywordName else {
                self.diagnostics.error(
                    "malformed-form",
                    "expected an option like :name value in \(form), found \(item.description)",
                    help: "each option is a keyword with one value",
                    at: item.range
                )
                index += 1
                continue
            }
            guard index + 1 < items.endIndex else {
                self.diagnostics.error("missing-value", "the option :\(name) has no value", at: item.range)
                break
            }
            if let first = firstPlaces[name] {
                self.diagnostics.error(
                    "duplicate-option",
                    "the option :\(name) is given twice",
                    help: "it is given at \(self.place(first)) already: remove one",
                    at: item.range
                )
            } else {
                firstPlaces[name] = item.range
                pairs.append(WrittenOption(name: name, value: items[index + 1], range: item.range))
            }
            index += 2
        }
        return pairs
    }

    // MARK: Values of options that have their own words

    mutating func lowerOption(_ name: String, _ value: SyntaxNode) -> Expression {
        switch name {
        case "format": self.lowerFormat(value)
        case "on-error": self.lowerErrorPolicy(value)
        default: self.lower(value)
        }
    }

    private static let formats = ["text", "json", "csv", "bytes"]

    private mutating func lowerFormat(_ value: SyntaxNode) -> Expression {
        if value.headSymbol == "csv", !self.scope.contains("csv"), self.globals["csv"] == nil {
            return self.lowerOptionCall(value)
        }
        return self.lowerWord(value, of: "format", among: Self.formats, also: "(csv :header true)")
    }

    private mutating func lowerErrorPolicy(_ value: SyntaxNode) -> Expression {
        if value.headSymbol == "dead-letter" {
            let call = self.lowerOptionCall(value)
            guard case .connector(_, let arguments, let options) = call.kind else { return call }
            if let option = options.first {
                let message = "dead-letter has no option :\(option.name)"
                let help = "give it to the sink: (dead-letter (distributed-path \"…\" :overwrite true))"
                return self.fail("unknown-option", message, help: help, at: value.range)
            }
            guard arguments.count == 1 else {
                return self.fail(
                    "argument-count",
                    "dead-letter takes one sink, got \(arguments.count)",
                    help: "write (dead-letter (distributed-path \"…\"))",
                    at: value.range
                )
            }
            self.checkConnector(arguments[0], isAllowed: \.isSink, role: "the sink of dead-letter")
            return call
        }
        return self.lowerWord(value, of: "on-error", among: ["fail", "skip"], also: "(dead-letter SINK)")
    }

    private mutating func lowerOptionCall(_ value: SyntaxNode) -> Expression {
        guard case .list(let items) = value.kind else { return self.lower(value) }
        return self.lowerConnector(items, range: value.range)
    }

    /// One of a few words, as a quoted symbol, keyword or string; lowered to a symbol.
    private mutating func lowerWord(
        _ value: SyntaxNode,
        of option: String,
        among words: [String],
        also: String
    ) -> Expression {
        let lowered = self.lower(value)
        guard let constant = lowered.constant, !self.diagnostics.hasError(in: value.range) else { return lowered }
        let list = words.map { "'" + $0 }.joined(separator: ", ") + " and " + also
        guard let word = constant.word else {
            return self.fail(
                "option-type",
                ":\(option) takes a word, found \(value.description)",
                help: "right are \(list)",
                at: value.range
            )
        }
        guard words.contains(word) else {
            let nearest = NearestName.find(word, among: words).map { "did you mean '\($0)? " } ?? ""
            return self.fail(
                "option-value",
                ":\(option) can't be \(word)",
                help: "\(nearest)right are \(list)",
                at: value.range
            )
        }
        return Expression(.constant(.symbol(word)), range: value.range)
    }

    /// Reports a value that is known not to be a source, or not to be a sink.
    mutating func checkConnector(
        _ value: Expression,
        isAllowed: (ConnectorName) -> Bool,
        role: String,
        as use: ConnectorRole? = nil
    ) {
        if let use { self.connectorCalls.noteRole(use, of: value) }
        guard !self.diagnostics.hasError(in: value.range) else { return }
        let right = ConnectorName.allCases.filter { $0.isAvailable && isAllowed($0) }.map(\.usage)
        let found: String
        switch value.kind {
        case .connector(let name, _, _):
            if let connector = ConnectorName(rawValue: name), isAllowed(connector) { return }
            found = name
        case .constant(let constant): found = constant.typeName
        case .lambda: found = TypeName.function
        case .list: found = TypeName.list
        case .map: found = TypeName.map
        default: return
        }
        self.diagnostics.error(
            "option-type",
            "\(role) can't be \(found)",
            help: "right are \(right.joined(separator: ", "))",
            at: value.range
        )
    }
}

extension SyntaxNode {
    var keywordName: String? {
        if case .keyword(let name) = self.kind { name } else { nil }
    }
}

extension Constant {
    /// The text of a symbol, keyword or string.
    var word: String? {
        switch self {
        case .symbol(let name), .keyword(let name): name
        case .string(let text): String(decoding: text, as: UTF8.self)
        case .nil, .boolean, .integer, .float, .regex, .list, .map, .set, .builtin, .function, .connector: nil
        }
    }

    /// As messages call its type.
    var typeName: String {
        switch self {
        case .nil: TypeName.nil
        case .boolean: TypeName.boolean
        case .integer: TypeName.integer
        case .float: TypeName.float
        case .string: TypeName.string
        case .symbol: TypeName.symbol
        case .keyword: TypeName.keyword
        case .regex: TypeName.regex
        case .list: TypeName.list
        case .map: TypeName.map
        case .set: TypeName.set
        case .builtin, .function: TypeName.function
        case .connector: "a source or sink"
        }
    }
}
