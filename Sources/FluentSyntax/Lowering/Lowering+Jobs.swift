extension Lowering {
    /// Lowers `(define-mapreduce name :input … …)` and its relatives.
    mutating func lowerJob(_ form: SpecialForm, _ items: [SyntaxNode], range: SourceRange) -> Expression {
        guard let kind = form.jobKind, items.count >= 2, items[1].keywordName == nil else {
            return self.malformed(form, "\(form.rawValue) needs a name before its options", at: items[0].range)
        }
        guard let name = self.definedName(items[1]) else { return Expression(.constant(.nil), range: range) }
        let parts =
            kind == .streamProcessor
            ? ProcessorParts(items[2...]) : ProcessorParts(options: Array(items[2...]), clauses: [])
        let written = self.optionPairs(parts.options[...], of: form.rawValue)
        var options: [JobForm.Option] = []
        for option in written {
            guard kind.optionNames.contains(option.name) else {
                self.reportUnknownOption(option, of: kind)
                continue
            }
            let value = self.lowerJobOption(option)
            self.checkJobOption(option, value, of: kind)
            options.append(JobForm.Option(name: option.name, value: value))
        }
        if kind.isStream, !written.contains(where: { $0.name == "time" }) {
            for option in options where ["input", "source"].contains(option.name) {
                self.connectorCalls.noteUntimed(option.value)
            }
        }
        self.reportMissingOptions(written, name: items[1], of: kind)
        let processor = kind == .streamProcessor ? self.lowerClauses(parts.clauses, of: items, &options) : nil
        return Expression(
            .defineJob(JobForm(kind: kind, name: name, options: options, processor: processor)),
            range: range
        )
    }

    private mutating func reportUnknownOption(_ option: WrittenOption, of kind: JobForm.Kind) {
        _ = self.lower(option.value)
        let nearest = NearestName.find(option.name, among: kind.optionNames)
        let list = kind.optionNames.map { ":" + $0 }.joined(separator: " ")
        self.diagnostics.error(
            "unknown-option",
            "\(kind.rawValue) has no option :\(option.name)",
            help: kind.advice(onUnknown: option.name)
                ?? (nearest.map { "did you mean :\($0)? " } ?? "") + "its options are \(list)",
            at: option.range
        )
    }

    private mutating func reportMissingOptions(_ written: [WrittenOption], name: SyntaxNode, of kind: JobForm.Kind) {
        let missing = kind.requiredOptions.filter { required in
            // A misspelt option was reported as that.
            !written.contains { option in
                if option.name == required { return true }
                guard !kind.optionNames.contains(option.name) else { return false }
                return NearestName.find(option.name, among: kind.optionNames) == required
            }
        }
        guard !missing.isEmpty else { return }
        let isOne = kind.requiredOptions.count == 1
        self.diagnostics.error(
            "missing-option",
            "\(name.symbol ?? "this job") has no \(Self.listed(missing))",
            help: "\(Self.listed(kind.requiredOptions)) \(isOne ? "is" : "are") needed; the other options aren't",
            at: name.range
        )
    }

    /// The options in a row: `:a, :b and :c`.
    private static func listed(_ options: [String]) -> String {
        let names = options.map { ":" + $0 }
        let others = names.dropLast().joined(separator: ", ")
        return (others.isEmpty ? "" : others + " and ") + (names.last ?? "")
    }

    private mutating func lowerJobOption(_ option: WrittenOption) -> Expression {
        switch option.name {
        case "map", "reduce", "time": self.lowerJobFunction(option.value)
        default: self.lowerOption(option.name, option.value)
        }
    }

    /// Parameters of job functions are given by the engine: not using one is no slip.
    mutating func lowerJobFunction(_ value: SyntaxNode) -> Expression {
        guard case .list(let items) = value.kind, let parameters = value.lambdaParameters
        else { return self.lower(value) }
        let function = FunctionText(
            name: "",
            parameters: parameters[...],
            body: items[2...],
            range: value.range,
            warnsWhenUnused: false
        )
        return Expression(.lambda(self.lowerFunction(function)), range: value.range)
    }
}
