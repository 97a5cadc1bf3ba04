import FluentSyntax

extension OperatorKind {
    /// What it does, in a few words; never contains a secret.
    var summary: String {
        let printer = ExpressionPrinter()
        switch self {
        case .source(let call), .sink(let call): return printer.text(call)
        case .decode(let step): return step.summary
        case .map(let function): return printer.text(function.closure.lambda)
        case .combine(let function): return function.summary
        case .shuffle(let exchange):
            return "by key into \(exchange.partitionCount) partition\(exchange.partitionCount == 1 ? "" : "s"), "
                + "\(exchange.keyGroupCount) key groups, ships \(exchange.payload.summary)"
        case .merge(let payload): return payload.summary
        case .reduce(.general(let closure)): return "\(printer.text(closure.lambda)) over its values"
        case .reduce(.aggregates(let reduce)):
            let calls = reduce.aggregates.map(\.summary).joined(separator: ", ")
            return "\(printer.text(reduce.closure.lambda)) over \(calls)"
        case .format(let format, let isSorted): return format.summary + (isSorted ? ", sorted by key" : "")
        }
    }
}

extension RecordFormat {
    var summary: String {
        guard case .csv(let dialect) = self else { return self.name }
        let separator = ExpressionPrinter.quoted(String(UnicodeScalar(dialect.separator)))
        return "csv \(dialect.hasHeader ? "with" : "without") header, separator \(separator)"
    }
}

extension DecodeStep {
    var summary: String {
        var text = self.format.summary
        if let fields = self.fields {
            let names = fields.map(\.name).joined(separator: ", ")
            text += fields.isEmpty ? ", no fields" : ", fields \(names)"
        }
        if case .elided = self.lines { text += ", lines not cut" }
        return text
    }
}

extension CombineFunction {
    fileprivate var summary: String {
        switch self {
        case .partialStates(let calls): "partial states of \(calls.map(\.summary).joined(separator: ", "))"
        case .builtin(let builtin): builtin.name
        case .closure(let closure): ExpressionPrinter().text(closure.lambda)
        }
    }
}

extension ShufflePayload {
    fileprivate var summary: String {
        switch self {
        case .values: "values"
        case .partialStates(let calls): "partial states of \(calls.map(\.kind.rawValue).joined(separator: ", "))"
        }
    }
}

extension AggregateCall {
    fileprivate var summary: String {
        guard let input = self.input else { return self.kind.rawValue }
        return "\(self.kind.rawValue) of \(ExpressionPrinter().text(input.lambda))"
    }
}
