import FluentSyntax

extension JobOptionReader {
    /// A keyed stage of a processor.
    ///
    /// - Returns: Nil after a problem.
    mutating func stage(_ stage: ProcessorForm.Stage, at index: Int) -> StreamProcessing.Stage? {
        let problemCount = self.problems.count
        let keyOptions = (0..<stage.keyCount).map { ProcessorForm.stageOption(index, "key \($0)") }
        let keys = keyOptions.compactMap { self.recordFunction($0, label: stage.kind.rawValue) }
        let operation = self.operation(of: stage, at: index)
        let sides = self.joinSides(stage, at: index)
        let name = self.stageName(of: stage, at: index, keyOptions)
        guard self.problems.count == problemCount, let operation else { return nil }
        return StreamProcessing.Stage(
            operation: operation,
            stepCount: stage.stepCount,
            group: RecordGroup(keys: zip(self.keyNames(keyOptions), keys).map { ($0, $1) }, isList: stage.hasKeyList),
            sides: sides,
            operatorID: name,
            range: stage.range
        )
    }

    private mutating func operation(of stage: ProcessorForm.Stage, at index: Int) -> StreamStage.Operation? {
        switch stage.kind {
        case .keyBy: return .pass
        case .deduplicate:
            let within = self.span(ProcessorForm.stageOption(index, "within"), named: ":within", atLeast: 1)
            return within.map { .deduplicate(within: $0) }
        case .join: return self.join(stage, at: index).map { .join($0) }
        case .process:
            let timeToLive = self.span(ProcessorForm.stageOption(index, "ttl"), named: ":ttl", atLeast: 1)
            let onEvent = self.stateful("on-event", at: index)
            let onTimer = stage.hasTimer ? self.stateful("on-timer", at: index) : nil
            return onEvent.map {
                .process(ProcessFunctions(onEvent: $0, onTimer: onTimer, timeToLive: timeToLive))
            }
        }
    }

    private mutating func stateful(_ name: String, at index: Int) -> Closure? {
        let option = ProcessorForm.stageOption(index, name)
        switch self.values[option] {
        case .some(.function(let closure)) where closure.lambda.parameters.count == 1: return closure
        case .some(.builtin(let builtin)):
            let place = self.place(of: option)
            if let closure = Closure(calling: builtin, parameterCounts: 1...1, range: place) { return closure }
        default: break
        }
        let parameter = name == "on-event" ? "event" : "time"
        self.report(
            "option-type",
            "\(name) needs a function of one parameter",
            help: "write (lambda (\(parameter)) …)",
            option: option
        )
        return nil
    }

    /// What a stage is called in checkpoints: stays the same when other clauses come and go.
    private mutating func stageName(
        of stage: ProcessorForm.Stage,
        at index: Int,
        _ keyOptions: [String]
    ) -> String? {
        guard stage.kind != .keyBy else { return nil }
        let option = ProcessorForm.stageOption(index, "name")
        let others = (self.form.processor?.stages ?? []).enumerated().prefix(index)
        if let value = self.values[option], value != .nil {
            guard let name = value.optionText, !name.isEmpty, name != "window" else {
                self.report(
                    "option-value",
                    "a stage's :name needs a text, and can't be window",
                    help: "write :name \"last-seen\"",
                    option: option
                )
                return nil
            }
            let isTaken = others.contains { self.values[ProcessorForm.stageOption($0.offset, "name")] == value }
            if isTaken {
                let message = "two stages are called \(name)"
                self.report("duplicate-name", message, help: "choose another name", option: option)
            }
            return name
        }
        // There is one at most.
        if let join = stage.join { return Self.standardName(.join, [join.left, join.right]) }
        let name = Self.standardName(stage.kind, self.keyNames(keyOptions))
        let earlier = others.filter { other in
            let options = (0..<other.element.keyCount).map { ProcessorForm.stageOption(other.offset, "key \($0)") }
            return Self.standardName(other.element.kind, self.keyNames(options)) == name
        }
        return earlier.isEmpty ? name : "\(name)/\(earlier.count + 1)"
    }

    private static func standardName(_ kind: ProcessorForm.Stage.Kind, _ keys: [String]) -> String {
        "\(kind.rawValue)(\(keys.joined(separator: " ")))"
    }
}
