package import ConnectorKit
package import Engine
package import JobPlan
internal import Platform

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
        if let source = self.source as? any StreamSource {
            try self.read(source, into: &builder)
            return builder.finish()
        }
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

    /// Reads a topic from its first records to where it ended when it was first asked.
    private func read(
        _ source: any StreamSource,
        into builder: inout LookupTableBuilder
    ) throws(ConnectorError) {
        let bell = Doorbell()
        let reader = try source.makeStreamReader { bell.ring() }
        defer { reader.close() }
        let splits = try source.discoverLaterSplits()
        try reader.add(splits)
        var progress = TopicProgress(splits)
        let block = MessageBlock(capacity: Self.blockMessages)
        let clock = SystemMonotonicClock()
        var heard = clock.now
        while !progress.isComplete(reader) {
            try reader.poll(into: block)
            for index in 0..<block.count {
                let message = block[index]
                progress.note(message)
                try self.add(&builder) { builder throws(LookupTableError) in
                    try builder.add(message, ofSplit: splits[message.split].name)
                }
            }
            guard block.count == 0, !progress.isComplete(reader) else {
                heard = clock.now
                continue
            }
            guard clock.now - heard < Self.patience else { throw self.silence(reader) }
            bell.wait(milliseconds: Self.pauseMilliseconds)
        }
    }

    private func silence(_ reader: any StreamReader) -> ConnectorError {
        let reason = reader.warning.map { " (\($0))" } ?? ""
        let message =
            "can't read \(self.source.summary) to its end for a table: nothing came for "
            + "\(Self.patience.components.seconds) s\(reason); see that it can be reached, and run the job again"
        return ConnectorError(.external, retry: .never, message)
    }

    private static let blockMessages = 1_024

    /// How long a topic may be silent before its end, and milliseconds after which its end is looked for without a message.
    private static let patience = Duration.seconds(60)
    private static let pauseMilliseconds: Int64 = 200

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

/// How far the splits of a topic were read, and how far they are to be.
private struct TopicProgress {
    private var next: [Int64]

    /// Where each ended when that was first known.
    private var ends: [Int64?]

    init(_ splits: [StreamSplit]) {
        self.next = splits.map(\.position)
        self.ends = splits.map { _ in nil }
    }

    mutating func note(_ message: StreamMessage) { self.next[message.split] = message.position + 1 }

    mutating func isComplete(_ reader: any StreamReader) -> Bool {
        self.next.indices.allSatisfy { split in
            guard let end = reader.endPosition(of: split) else { return false }
            let target = min(self.ends[split] ?? end, end)
            self.ends[split] = target
            return self.next[split] >= target
        }
    }
}
