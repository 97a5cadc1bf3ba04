import FluentSyntax

extension JobOptionReader {
    /// The combiner, checked: a function from some values of a key to one value that can stand for them.
    mutating func combiner() -> Constant? {
        guard let value = self.values["combiner"], value != .nil else { return nil }
        if self.values["reduce"] == nil {
            self.report(
                "combiner-without-reduce",
                ":combiner has no effect without :reduce",
                help: "remove it, or add :reduce (lambda (key values) …)",
                option: "combiner"
            )
        }
        switch value {
        case .builtin(.sum), .builtin(.min), .builtin(.max), .builtin(.first), .builtin(.last):
            return value
        case .builtin(let builtin):
            self.refuse(combiner: builtin)
        case .function(let closure) where closure.lambda.parameters.count == 1:
            return Self.wrappedBuiltin(closure) ?? value
        case .function(let closure):
            let count = closure.lambda.parameters.count
            self.report(
                "parameter-count",
                ":combiner takes one parameter, the list of values, not \(count)",
                help: "write (lambda (values) …)",
                option: "combiner"
            )
        default:
            self.report(
                "option-type",
                ":combiner needs a function, got \(value.typeName)",
                help: "write sum, min, max or (lambda (values) …)",
                option: "combiner"
            )
        }
        return nil
    }

    /// `(lambda (values) (sum values))` is `sum`.
    private static func wrappedBuiltin(_ closure: Closure) -> Constant? {
        guard
            case .builtin(let builtin, let arguments) = closure.lambda.body.kind,
            [.sum, .min, .max].contains(builtin),
            arguments.count == 1,
            case .variable(let variable) = arguments[0].kind,
            variable == closure.lambda.parameters[0]
        else { return nil }
        return .builtin(builtin)
    }

    private mutating func refuse(combiner builtin: Builtin) {
        let rule = "a combiner may run any number of times, also none, also on its own results"
        let advice = "leave :combiner out: the planner finds aggregates in :reduce and ships their partial states"
        switch builtin {
        case .count, .countDistinct, .mean:
            self.report(
                "combiner-not-repeatable",
                "\(builtin.name) can't be a combiner: \(rule), and the \(builtin.name) of "
                    + "\(builtin.name)s isn't the \(builtin.name) of the values",
                help: advice,
                option: "combiner"
            )
        default:
            self.report(
                "combiner-not-repeatable",
                "\(builtin.name) can't be a combiner: its result can't stand for the values it was made from",
                help: "write sum, min, max or (lambda (values) …)",
                option: "combiner"
            )
        }
    }

    mutating func partitions() -> Int? {
        guard let value = self.values["partitions"], value != .nil else { return nil }
        let limit = JobDefinition.partitionLimit
        if case .integer(let count) = value, (1...Int64(limit)).contains(count) { return Int(count) }
        let found = if case .integer(let count) = value { "\(count)" } else { value.typeName }
        self.report(
            "option-value",
            ":partitions needs an integer from 1 to \(limit), got \(found)",
            option: "partitions"
        )
        return nil
    }

    mutating func memory() -> Int64? {
        guard let value = self.values["memory"], value != .nil else { return nil }
        let bytes: Int64? =
            switch value {
            case .integer(let count): count
            case .string(let text): MemorySize.bytes(of: String(decoding: text, as: UTF8.self))
            default: nil
            }
        guard let bytes else {
            self.report(
                "option-value",
                ":memory needs a size, got \(value.optionText.map { "\"\($0)\"" } ?? value.typeName)",
                help: "write \"512MiB\", \"2GiB\" or a number of bytes",
                option: "memory"
            )
            return nil
        }
        guard bytes >= JobDefinition.memoryMinimumBytes else {
            let minimum = MemorySize.text(of: JobDefinition.memoryMinimumBytes)
            self.report("option-value", ":memory is below the minimum of \(minimum)", option: "memory")
            return nil
        }
        return bytes
    }

    mutating func errorPolicy() -> ErrorPolicy {
        guard let value = self.values["on-error"], value != .nil else { return .fail }
        if case .connector(let call) = value, call.name == "dead-letter" {
            if call.arguments.count == 1, case .connector(let sink) = call.arguments[0] { return .deadLetter(sink) }
            self.report(
                "option-value",
                "dead-letter needs a sink",
                help: "write (dead-letter (distributed-path \"rejected\"))",
                option: "on-error"
            )
            return .fail
        }
        switch value.optionText {
        case "fail": return .fail
        case "skip": return .skip
        default:
            self.report(
                "option-value",
                ":on-error needs 'fail, 'skip or (dead-letter SINK), got \(value.optionText ?? value.typeName)",
                option: "on-error"
            )
            return .fail
        }
    }

    /// The record format of a source or sink call; its own option comes before the job's.
    mutating func format(
        of call: ConnectorCall,
        fallback: Constant?,
        standard: RecordFormat = .text
    ) -> RecordFormat {
        guard let value = call.option("format") ?? fallback, value != .nil else { return standard }
        if case .connector(let format) = value, format.name == "csv" {
            return .csv(CSVDialect(hasHeader: self.flag("header", of: format), separator: self.separator(of: format)))
        }
        switch value.optionText {
        case "text": return .text
        case "json": return .json
        case "bytes": return .bytes
        case "csv":
            return .csv(CSVDialect(hasHeader: self.flag("header", of: call), separator: self.separator(of: call)))
        default:
            self.problems.append(
                Diagnostic(
                    .error,
                    "option-value",
                    ":format is one of \(RecordFormat.names.joined(separator: ", ")), not "
                        + (value.optionText ?? value.typeName),
                    at: call.option("format") == nil ? self.place(of: "format") : call.range
                )
            )
            return .text
        }
    }

    mutating func flag(_ name: String, of call: ConnectorCall) -> Bool {
        switch call.option(name) {
        case nil, .some(.nil), .some(.boolean(false)): return false
        case .some(.boolean(true)): return true
        case .some(let other):
            self.problems.append(
                Diagnostic(.error, "option-type", ":\(name) needs true or false, got \(other.typeName)", at: call.range)
            )
            return false
        }
    }

    private mutating func separator(of call: ConnectorCall) -> UInt8 {
        let comma = UInt8(ascii: ",")
        guard let value = call.option("separator"), value != .nil else { return comma }
        let refused = [CSVDialect.quote, UInt8(ascii: "\n"), UInt8(ascii: "\r")]
        if case .string(let bytes) = value, bytes.count == 1, bytes[0] < 0x80, !refused.contains(bytes[0]) {
            return bytes[0]
        }
        self.problems.append(
            Diagnostic(
                .error,
                "option-value",
                ":separator needs a string of one ASCII character that is neither a quote nor a line's end",
                help: "write \",\", \";\" or \"\\t\"",
                at: call.range
            )
        )
        return comma
    }

    func place(of option: String) -> SourceRange {
        self.form.options.first { $0.name == option }?.value.range ?? self.range
    }
}
