package import FluentSyntax

extension StreamDefinition {
    /// Checks the evaluated options of a form.
    ///
    /// - Parameters:
    ///   - form: A streaming job or a stream processor; says which options were written, and where.
    ///   - values: The value of each option, by its name without the colon.
    ///   - range: The whole form.
    /// - Throws: All problems at once.
    package init(
        form: JobForm,
        values: [String: Constant],
        range: SourceRange
    ) throws(JobDefinitionError) {
        var reader = JobOptionReader(form: form, values: values, range: range)
        let definition = reader.streamDefinition()
        self = try reader.accepted(definition)
    }
}

extension JobOptionReader {
    /// - Returns: Nil where something that can't be left out is missing or wrong.
    mutating func streamDefinition() -> StreamDefinition? {
        let kind = self.form.kind
        self.checkNames()
        let input = self.connector(kind.sourceOption, noun: "a source", example: "(kafka-stream \"events\")")
        let output = self.sink(kind.sinkOption)
        let window = self.window()
        let settings = self.streamSettings(input: input, output: output, hasSlide: window?.hasSlide ?? true)
        let functions = self.form.processor.map { self.functions(of: $0) } ?? self.jobFunctions()
        guard let input, let functions, window != nil || self.isWindowless else { return nil }
        return StreamDefinition(
            name: self.form.name,
            kind: kind,
            endpoints: (input, output),
            map: (functions.map, functions.columnCount),
            combiner: functions.combiner,
            stages: functions.stages,
            reduce: functions.reduce,
            window: window?.specification,
            grouping: functions.grouping,
            settings: settings,
            range: self.range
        )
    }

    private mutating func sink(_ option: String) -> ConnectorCall? {
        self.connector(option, noun: "a sink", example: "(kafka-topic \"results\")", isRequired: false)
    }

    private mutating func streamSettings(
        input: ConnectorCall?,
        output: ConnectorCall?,
        hasSlide: Bool
    ) -> StreamDefinition.Settings {
        var settings = StreamDefinition.Settings()
        settings.hasStandardSlide = !hasSlide
        settings.time = self.recordFunction("time", label: ":time")?.closure(named: "event")
        settings.outOfOrdernessBound = self.outOfOrdernessBound()
        settings.idleAfter = self.span("idle-after", atLeast: 1) ?? settings.idleAfter
        settings.driftLimit = self.span("drift-limit", atLeast: 1)
        settings.allowedLateness = self.span("allowed-lateness", atLeast: 0) ?? settings.allowedLateness
        settings.trigger = self.trigger()
        settings.late = self.sink("late")
        settings.alerts = self.sink("alerts")
        settings.sides = self.sides()
        settings.onError = self.errorPolicy()
        settings.memoryBytes = self.memory()
        if let input { settings.format = self.streamFormat(of: input) }
        if let output { settings.sinkFormat = self.format(of: output, fallback: nil) }
        return settings
    }

    // MARK: Times

    mutating func span(_ option: String, named label: String? = nil, atLeast minimum: Int64) -> Int64? {
        guard let value = self.values[option], value != .nil else { return nil }
        if let problem = TimeSpan.problem(with: value, atLeast: minimum) {
            self.report("option-value", "\(label ?? ":" + option) \(problem)", help: TimeSpan.advice, option: option)
        }
        return TimeSpan.milliseconds(of: value)
    }

    private mutating func outOfOrdernessBound() -> Int64? {
        guard let call = self.setting("watermark", noun: "a watermark", isAllowed: { $0 == .outOfOrderness }) else {
            return nil
        }
        return call.arguments.first.flatMap { TimeSpan.milliseconds(of: $0) }
    }

    private mutating func trigger() -> TriggerSpecification {
        var trigger = TriggerSpecification()
        guard let call = self.setting("trigger", noun: "a trigger", isAllowed: { $0 == .trigger }) else {
            return trigger
        }
        trigger.earlyMilliseconds = call.option("early").flatMap { TimeSpan.milliseconds(of: $0) }
        if case .some(.integer(let count)) = call.option("early-count") { trigger.earlyCount = count }
        trigger.firesOnEachLateRecord = call.option("late")?.optionText != "gathered"
        return trigger
    }

    // MARK: Windows

    /// Whether it is a processor whose records go to the sink as they are.
    private var isWindowless: Bool { self.form.processor.map { !$0.hasWindow } ?? false }

    private mutating func window() -> (specification: WindowSpecification, hasSlide: Bool)? {
        let option = ProcessorForm.windowOption
        guard self.values[option] != nil else {
            if self.isWindowless { return nil }
            self.report(
                "missing-option",
                "job \(self.form.name) has no :window",
                help: "write \(StreamSetting.tumblingWindow.usage)",
                option: option
            )
            return nil
        }
        guard let call = self.setting(option, noun: "a window", isAllowed: \.isWindow),
            let setting = StreamSetting(rawValue: call.name)
        else { return nil }
        let spans = call.arguments.compactMap { TimeSpan.milliseconds(of: $0) }
        let slide = spans.dropFirst().first
        switch setting {
        case .tumblingWindow:
            let offset = call.option("offset").flatMap { TimeSpan.milliseconds(of: $0) } ?? 0
            return spans.first.map { (.tumbling(size: $0, offset: offset), true) }
        case .slidingWindow:
            return spans.first.map { size in
                (.sliding(size: size, slide: slide ?? WindowSpecification.slideStandard(ofSize: size)), slide != nil)
            }
        case .sessionWindow: return spans.first.map { (.session(gap: $0), true) }
        case .countWindow: return spans.first.map { (.count(count: $0, slide: slide ?? $0), true) }
        case .globalWindow: return (.global, true)
        case .outOfOrderness, .trigger: return nil
        }
    }

    /// The value of an option that takes the call of a setting, its own values checked.
    private mutating func setting(
        _ option: String,
        noun: String,
        isAllowed: (StreamSetting) -> Bool
    ) -> ConnectorCall? {
        guard let value = self.values[option], value != .nil else { return nil }
        guard case .connector(let call) = value, let setting = StreamSetting(rawValue: call.name), isAllowed(setting)
        else {
            let right = StreamSetting.allCases.filter(isAllowed).map(\.usage).joined(separator: ", ")
            self.report(
                "option-type",
                ":\(option) needs \(noun), got \(value.typeName)",
                help: "write \(right)",
                option: option
            )
            return nil
        }
        let problems = setting.problems(
            arguments: call.arguments,
            options: call.options.map { ($0.name, $0.value) }
        )
        for problem in problems {
            self.problems.append(
                Diagnostic(.error, "option-value", problem.message, help: problem.help, at: call.range)
            )
        }
        return problems.isEmpty ? call : nil
    }
}
