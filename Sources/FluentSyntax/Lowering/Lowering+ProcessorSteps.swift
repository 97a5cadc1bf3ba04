import CoreTypes

extension Lowering {
    private static let enrichUsage = "(enrich TABLE :on :field [:as :name] [:missing 'drop])"
    private static let sideUsage = "(side :name SINK [F])"

    /// Lowers `(enrich TABLE :on F :as :name :missing 'drop)`.
    mutating func lowerEnrich(_ clause: SyntaxNode, at index: Int, _ options: inout [JobForm.Option]) {
        let items = clause.elements ?? []
        guard items.count >= 2, items[1].keywordName == nil else {
            return self.refuseStep("enrich needs a table", Self.enrichUsage, at: clause.range)
        }
        let table = self.lower(items[1])
        self.checkConnector(table, isAllowed: { $0 == .table }, role: "the table of enrich")
        options.append(JobForm.Option(name: ProcessorForm.tableOption(index), value: table))
        var hasKey = false
        for option in self.optionPairs(items[2...], of: "enrich") {
            switch option.name {
            case "on":
                hasKey = true
                let value = self.lowerJobFunction(option.value)
                self.checkJobFunction(":on", value, .field)
                options.append(JobForm.Option(name: ProcessorForm.stepOption(index), value: value))
            case "as":
                let value = self.lowerStepWord(option, right: ":product", isRight: { _ in true })
                options.append(JobForm.Option(name: ProcessorForm.asOption(index), value: value))
            case "missing":
                let value = self.lowerStepWord(option, right: "'keep or 'drop") { ["keep", "drop"].contains($0) }
                options.append(JobForm.Option(name: ProcessorForm.missingOption(index), value: value))
            default:
                self.diagnostics.error(
                    "unknown-option",
                    "enrich has no option :\(option.name)",
                    help: "write \(Self.enrichUsage)",
                    at: option.range
                )
            }
        }
        if !hasKey { self.refuseStep("enrich has no :on", Self.enrichUsage, at: clause.range) }
    }

    /// Lowers `(side :name SINK F)`.
    mutating func lowerSide(_ clause: SyntaxNode, at index: Int, _ options: inout [JobForm.Option]) {
        let items = clause.elements ?? []
        guard (3...4).contains(items.count), let name = items[1].keywordName else {
            return self.refuseStep("side takes a name, a sink and perhaps a function", Self.sideUsage, at: clause.range)
        }
        let taken = options.contains { option in
            option.name.hasPrefix(ProcessorForm.sideNamePrefix) && option.value.constant == .keyword(name)
        }
        if taken {
            self.diagnostics.error(
                "duplicate-name",
                "there is another side output :\(name)",
                help: "its name says which output it is in checkpoints: choose another one",
                at: items[1].range
            )
        }
        let sink = self.lower(items[2])
        self.checkConnector(sink, isAllowed: \.isSink, role: "the sink of side", as: .streamSink)
        let nameValue = Expression(.constant(.keyword(name)), range: items[1].range)
        options.append(JobForm.Option(name: ProcessorForm.sideNameOption(index), value: nameValue))
        options.append(JobForm.Option(name: ProcessorForm.sideSinkOption(index), value: sink))
        guard items.count == 4 else { return }
        let value = self.lowerJobFunction(items[3])
        self.checkJobFunction("side", value, .step)
        options.append(JobForm.Option(name: ProcessorForm.stepOption(index), value: value))
    }

    /// Reports what in `:sides {:name SINK}` is known to be no sink.
    mutating func checkSides(_ value: Expression) {
        guard case .map(let entries) = value.kind else { return }
        for entry in entries {
            self.checkConnector(entry.value, isAllowed: \.isSink, role: "a sink of :sides", as: .streamSink)
        }
    }

    private mutating func lowerStepWord(
        _ option: WrittenOption,
        right: String,
        isRight: (String) -> Bool
    ) -> Expression {
        let value = self.lower(option.value)
        guard !self.diagnostics.hasError(in: value.range) else { return value }
        guard let word = value.constant?.word, isRight(word) else {
            return self.fail(
                "option-value",
                ":\(option.name) of enrich can't be \(option.value.description)",
                help: "write \(right)",
                at: value.range
            )
        }
        return Expression(.constant(.keyword(word)), range: value.range)
    }

    private mutating func refuseStep(_ message: String, _ usage: String, at range: SourceRange) {
        self.diagnostics.error("malformed-form", message, help: "write \(usage)", at: range)
    }
}
