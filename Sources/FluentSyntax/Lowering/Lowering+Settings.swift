extension Lowering {
    /// Lowers `(tumbling-window 60000)` and other settings of streaming jobs.
    mutating func lowerSetting(_ setting: StreamSetting, _ items: [SyntaxNode], range: SourceRange) -> Expression {
        let (arguments, written) = self.callParts(items)
        let counts = setting.argumentCounts
        guard counts.contains(arguments.count) else {
            return self.fail(
                "argument-count",
                "\(setting.rawValue) takes \(counts.argumentText), got \(arguments.count)",
                help: "write \(setting.usage)",
                at: range
            )
        }
        var options: [JobForm.Option] = []
        for option in written {
            let value = self.lower(option.value)
            guard setting.optionNames.contains(option.name) else {
                let nearest = NearestName.find(option.name, among: setting.optionNames)
                self.diagnostics.error(
                    "unknown-option",
                    "\(setting.rawValue) has no option :\(option.name)",
                    help: (nearest.map { "did you mean :\($0)? " } ?? "") + "write \(setting.usage)",
                    at: option.range
                )
                continue
            }
            options.append(JobForm.Option(name: option.name, value: value))
        }
        self.checkValues(of: setting, arguments, options, at: range)
        return Expression(.connector(name: setting.rawValue, arguments: arguments, options: options), range: range)
    }

    private mutating func checkValues(
        of setting: StreamSetting,
        _ arguments: [Expression],
        _ options: [JobForm.Option],
        at range: SourceRange
    ) {
        let problems = setting.problems(
            arguments: arguments.map(\.constant),
            options: options.map { ($0.name, $0.value.constant) }
        )
        for problem in problems {
            let place =
                switch problem.place {
                case .argument(let index): arguments[index].range
                case .option(let name): options.first { $0.name == name }?.value.range ?? range
                }
            guard !self.diagnostics.hasError(in: place) else { continue }
            self.diagnostics.error("option-value", problem.message, help: problem.help, at: place)
        }
    }

    /// Reports a value that is known not to be such a setting.
    mutating func checkSetting(
        _ label: String,
        _ value: Expression,
        isAllowed: (StreamSetting) -> Bool,
        noun: String
    ) {
        guard !self.diagnostics.hasError(in: value.range) else { return }
        let found: String
        switch value.kind {
        case .connector(let name, _, _):
            if let setting = StreamSetting(rawValue: name), isAllowed(setting) { return }
            found = name
        case .constant(let constant): found = constant.foundText
        case .lambda: found = TypeName.function
        case .list: found = TypeName.list
        case .map: found = TypeName.map
        default: return
        }
        let right = StreamSetting.allCases.filter(isAllowed).map(\.usage)
        self.diagnostics.error(
            "option-type",
            "\(label) needs \(noun), found \(found)",
            help: "write \(right.joined(separator: ", "))",
            at: value.range
        )
    }
}

extension ClosedRange<Int> {
    /// `no arguments`, `1 argument`, `1 to 2 arguments`.
    fileprivate var argumentText: String {
        let count = self.upperBound == 0 ? "no" : "\(self.upperBound)"
        let from = self.lowerBound == self.upperBound ? "" : "\(self.lowerBound) to "
        return "\(from)\(count) argument\(self.upperBound == 1 ? "" : "s")"
    }
}
