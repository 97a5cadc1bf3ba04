package import FluentSyntax

/// A step of a processor before its window, evaluated.
enum ProcessingStep {
    enum FunctionKind {
        case filter
        case map
        case flatMap
    }

    /// What an `enrich` looks up.
    struct Enrichment {
        let table: ConnectorCall
        let key: RecordFunction

        /// The field that gets what was found; nil: its fields become the record's.
        let name: String?
        let dropsMissing: Bool
        let range: SourceRange
    }

    case function(FunctionKind, RecordFunction)
    case enrich(Enrichment)
    /// Records for which the function holds go to a side output too; nil: all.
    case side(String, RecordFunction?, SourceRange)

    var function: RecordFunction? {
        switch self {
        case .function(_, let function): function
        case .enrich(let enrichment): enrichment.key
        case .side(_, let function, _): function
        }
    }
}

/// A sink that a stream writes to beside its output.
package struct SideOutput: Sendable {
    /// What it is called in checkpoints: the same as long as the program calls it so.
    package let name: String
    package let sink: ConnectorCall
    package let format: RecordFormat

    /// The most side outputs of one stream.
    static let countLimit = 64
}

extension JobOptionReader {
    mutating func step(_ step: ProcessorForm.Step, at index: Int) -> ProcessingStep? {
        let option = ProcessorForm.stepOption(index)
        switch step {
        case .filter: return self.recordFunction(option, label: "filter").map { .function(.filter, $0) }
        case .map: return self.recordFunction(option, label: "map").map { .function(.map, $0) }
        case .flatMap: return self.recordFunction(option, label: "flat-map").map { .function(.flatMap, $0) }
        case .enrich: return self.enrichment(at: index).map { .enrich($0) }
        case .side:
            guard let name = self.values[ProcessorForm.sideNameOption(index)]?.optionText else { return nil }
            let place = self.place(of: ProcessorForm.sideSinkOption(index))
            return .side(name, self.recordFunction(option, label: "side"), place)
        }
    }

    private mutating func enrichment(at index: Int) -> ProcessingStep.Enrichment? {
        let option = ProcessorForm.tableOption(index)
        let key = self.recordFunction(ProcessorForm.stepOption(index), label: ":on")
        guard case .some(.connector(let table)) = self.values[option], table.name == TableDefinition.constructor else {
            let found = self.values[option]?.typeName ?? TypeName.nil
            let message = "enrich needs a table, got \(found)"
            self.report("option-type", message, help: "write \(TableDefinition.usage)", option: option)
            return nil
        }
        return key.map { key in
            ProcessingStep.Enrichment(
                table: table,
                key: key,
                name: self.values[ProcessorForm.asOption(index)]?.optionText,
                dropsMissing: self.values[ProcessorForm.missingOption(index)]?.optionText == "drop",
                range: self.place(of: option)
            )
        }
    }

    /// The side outputs of a stream: those of its steps, or of its `:sides`.
    mutating func sides() -> [SideOutput] {
        var found: [(name: String, value: Constant, option: String)] = []
        if let processor = self.form.processor {
            for index in processor.steps.indices where processor.steps[index] == .side {
                let option = ProcessorForm.sideSinkOption(index)
                guard let name = self.values[ProcessorForm.sideNameOption(index)]?.optionText else { continue }
                found.append((name, self.values[option] ?? .nil, option))
            }
        } else if let value = self.values["sides"], value != .nil {
            guard case .map(let entries) = value else {
                self.reportSides("needs a map of names and sinks, got \(value.typeName)", option: "sides")
                return []
            }
            for entry in entries {
                guard let name = entry.key.optionText else {
                    self.reportSides("needs names, got \(entry.key.typeName)", option: "sides")
                    continue
                }
                found.append((name, entry.value, "sides"))
            }
        }
        if found.count > SideOutput.countLimit {
            self.reportSides("has \(found.count) side outputs, \(SideOutput.countLimit) are allowed", option: "sides")
        }
        return found.compactMap { name, value, option in
            guard SideOutput.isName(name) else {
                self.reportSides("can't call an output \"\(name)\": use letters, digits, - and _", option: option)
                return nil
            }
            guard case .connector(let sink) = value, StreamSetting(rawValue: sink.name) == nil else {
                self.reportSides("needs a sink for :\(name), got \(value.typeName)", option: option)
                return nil
            }
            return SideOutput(name: name, sink: sink, format: self.format(of: sink, fallback: nil))
        }
    }

    private mutating func reportSides(_ message: String, option: String) {
        let text = "job \(self.form.name) \(message)"
        self.report("option-value", text, help: "write {:name (kafka-topic \"…\")}", option: option)
    }
}

extension SideOutput {
    /// Whether a directory of the state can be called so.
    fileprivate static func isName(_ text: String) -> Bool {
        let allowed: (UInt8) -> Bool = { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
        return (1...100).contains(text.utf8.count) && text.utf8.allSatisfy(allowed)
    }
}
