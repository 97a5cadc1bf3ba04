package import ConnectorKit

/// What a stream reads: one source, or the sources of a union.
package struct StreamSources: Sendable {
    package struct Part: Sendable {
        /// What the program calls it; empty where it has no name.
        package let name: String
        package let source: any Source

        package init(name: String, source: any Source) {
            self.name = name
            self.source = source
        }

        /// Whether it ends by itself.
        package var isBounded: Bool { !(self.source is any StreamSource) }
    }

    /// At least one.
    package let parts: [Part]

    package init(_ parts: [Part]) {
        precondition(!parts.isEmpty, "a stream reads something")
        self.parts = parts
    }

    /// What summaries and messages call it.
    package var summary: String { self.parts.map(\.source.summary).joined(separator: " and ") }

    /// Whether every source ends by itself.
    package var areBounded: Bool { self.parts.allSatisfy(\.isBounded) }
}

/// A split as its source calls it, and where reading it begins for a job that never did.
package struct FoundSplit: Sendable {
    /// Which source of the stream it is a split of.
    package let part: Int

    /// What the program calls that source; empty where it has no name.
    package let sourceName: String

    /// What it is called in checkpoints: the same as long as the program calls its source so.
    package let name: String

    /// What its source calls it.
    package let localName: String
    package let position: Int64

    /// What a source of files reads; nil for splits of streams.
    package let split: Split?

    fileprivate init(_ part: Int, of name: String, _ localName: String, position: Int64, split: Split?) {
        self.part = part
        self.sourceName = name
        self.name = name.isEmpty ? localName : "\(name):\(localName)"
        self.localName = localName
        self.position = position
        self.split = split
    }
}

extension StreamSources {
    /// Splits of about this size let all threads work on one file.
    private static let splitBytes: Int64 = 16 << 20

    /// Lists the splits of all sources, for a job that begins or goes on.
    ///
    /// `known` are the splits that a checkpoint has. A source of which it has none begins as in a new job, wherever the
    /// others are: it was added since.
    ///
    /// - Throws: A source can't be asked, or two splits have one name.
    package func findSplits(
        framing: Framing,
        known: Set<String>
    ) throws(ConnectorError) -> [FoundSplit] {
        var found: [FoundSplit] = []
        for index in self.parts.indices { found += try self.splits(of: index, framing: framing, known: known) }
        try Self.checkNames(found)
        return found
    }

    /// Lists the splits of the sources that go on; those that can't be asked now are left out and asked again later.
    ///
    /// - Throws: Two splits have one name.
    package func findLaterSplits() throws(ConnectorError) -> [FoundSplit] {
        var found: [FoundSplit] = []
        for (index, part) in self.parts.enumerated() {
            guard let source = part.source as? any StreamSource else { continue }
            // Its reader tells what is wrong with it.
            guard let splits = try? source.discoverLaterSplits() else { continue }
            found += splits.map { FoundSplit(index, of: part.name, $0.name, position: $0.position, split: nil) }
        }
        try Self.checkNames(found)
        return found
    }

    private func splits(
        of index: Int,
        framing: Framing,
        known: Set<String>
    ) throws(ConnectorError) -> [FoundSplit] {
        let part = self.parts[index]
        guard let source = part.source as? any StreamSource else {
            return try part.source.enumerateSplits(framing: framing, targetBytes: Self.splitBytes).map { split in
                let name = "\(split.resource)@\(split.start)"
                return FoundSplit(index, of: part.name, name, position: split.start, split: split)
            }
        }
        if known.isEmpty { return try self.beginnings(of: index, source) }
        let later = try source.discoverLaterSplits().map { split in
            FoundSplit(index, of: part.name, split.name, position: split.position, split: nil)
        }
        if later.contains(where: { known.contains($0.name) }) { return later }
        return try self.beginnings(of: index, source)
    }

    /// The splits of a source where a job begins to read it.
    private func beginnings(of index: Int, _ source: any StreamSource) throws(ConnectorError) -> [FoundSplit] {
        let name = self.parts[index].name
        return try source.discoverSplits().map { split in
            FoundSplit(index, of: name, split.name, position: split.position, split: nil)
        }
    }

    /// A position belongs to one split alone.
    private static func checkNames(_ splits: [FoundSplit]) throws(ConnectorError) {
        var seen: Set<String> = []
        for split in splits where !seen.insert(split.name).inserted {
            throw ConnectorError(
                .user,
                retry: .never,
                "two sources of the union have a split \(split.name), and a checkpoint couldn't tell them apart: give one of "
                    + "them a name, as in (union SOURCE :second SOURCE), or read it once"
            )
        }
    }
}
