package import FluentSyntax

/// What a `(table SOURCE :key :field)` says: records that functions look up by one of their fields.
package struct TableDefinition: Sendable {
    package let source: ConnectorCall
    package let format: RecordFormat

    /// The field by whose value records are found.
    package let key: String

    /// What it may take; nil leaves that to whoever runs the job.
    package let memoryBytes: Int64?

    package static let constructor = "table"
    static let usage = "(table (distributed-files \"products.csv\" :format (csv :header true)) :key :id)"

    /// Checks the evaluated arguments of a call.
    ///
    /// - Throws: All problems at once.
    package init(_ call: ConnectorCall) throws(JobDefinitionError) {
        let form = JobForm(kind: .streamingJob, name: Self.constructor, options: [])
        var values: [String: Constant] = [:]
        if let memory = call.option("memory") { values["memory"] = memory }
        var reader = JobOptionReader(form: form, values: values, range: call.range)
        self = try reader.accepted(reader.table(call))
    }

    fileprivate init(source: ConnectorCall, format: RecordFormat, key: String, memoryBytes: Int64?) {
        self.source = source
        self.format = format
        self.key = key
        self.memoryBytes = memoryBytes
    }
}

extension JobOptionReader {
    fileprivate mutating func table(_ call: ConnectorCall) -> TableDefinition? {
        let memory = self.memory()
        guard call.arguments.count == 1, case .connector(let source) = call.arguments[0],
            StreamSetting(rawValue: source.name) == nil,
            ![StreamSourceCall.union, TableDefinition.constructor].contains(source.name)
        else {
            self.reportTable("a table is made of one source, and of no union", at: call)
            return nil
        }
        guard let key = call.option("key")?.optionText else {
            self.reportTable("a table needs a field as :key", at: call)
            return nil
        }
        let format = self.format(of: source, fallback: nil, standard: .json)
        switch format {
        case .json: break
        case .csv(let dialect) where dialect.hasHeader: break
        case .text, .csv, .bytes:
            let message = "the records of a table have fields, and those of format \(format.name) don't"
            self.reportTable(message, at: call)
            return nil
        }
        return TableDefinition(source: source, format: format, key: key, memoryBytes: memory)
    }

    private mutating func reportTable(_ message: String, at call: ConnectorCall) {
        let help = "write \(TableDefinition.usage)"
        self.problems.append(Diagnostic(.error, "option-value", message, help: help, at: call.range))
    }
}
