package import ConnectorKit
package import Engine
package import JobPlan

extension StreamEndpoints {
    /// What one table of a stream is read from.
    package struct Table: Sendable {
        package let definition: TableDefinition
        package let source: any Source

        package init(_ definition: TableDefinition, source: any Source) {
            self.definition = definition
            self.source = source
        }
    }

    /// Reads all tables to their ends; waits for the disk.
    ///
    /// `bytesLimit`: What a table may take that doesn't say.
    ///
    /// - Throws: A source can't be read, or has what a table can't: the message says where.
    package func readTables(bytesLimit: Int64) throws(ConnectorError) -> [LookupTable] {
        var tables: [LookupTable] = []
        for table in self.tables { tables.append(try table.read(bytesLimit: bytesLimit)) }
        return tables
    }
}

extension StreamEndpoints.Table {
    private static let blockBytes = 256 << 10
    private static let lineBytesLimit = 16 << 20

    private var framing: Framing {
        switch self.definition.format {
        case .text, .json: .lines(lengthLimit: Self.lineBytesLimit)
        case .csv, .bytes: .stream
        }
    }

    fileprivate func read(bytesLimit: Int64) throws(ConnectorError) -> LookupTable {
        let limit = Int(clamping: self.definition.memoryBytes ?? bytesLimit)
        var builder = LookupTableBuilder(self.definition, bytesLimit: limit)
        let block = SourceBlock(capacity: Self.blockBytes)
        // Whole files in the order of their names: of records with one key the last counts.
        for split in try self.source.enumerateSplits(framing: self.framing, targetBytes: .max) {
            try self.read(split, into: &builder, block)
        }
        return builder.finish()
    }

    private func read(
        _ split: Split,
        into builder: inout LookupTableBuilder,
        _ block: SourceBlock
    ) throws(ConnectorError) {
        let reader = try self.source.makeReader(for: split, framing: self.framing)
        defer { reader.close() }
        while try reader.poll(into: block) == .block {
            try self.add(&builder) { builder throws(LookupTableError) in try builder.add(block, of: split) }
        }
        try self.add(&builder) { builder throws(LookupTableError) in try builder.endSplit() }
    }

    private func add(
        _ builder: inout LookupTableBuilder,
        _ body: (inout LookupTableBuilder) throws(LookupTableError) -> Void
    ) throws(ConnectorError) {
        do throws(LookupTableError) {
            try body(&builder)
        } catch {
            throw ConnectorError(.user, retry: .never, "can't make the table of \(self.source.summary): \(error)")
        }
    }
}
