public import ConnectorKit
internal import CoreTypes

/// Reads made-up records; positions are numbers of records.
public struct GeneratorSource: Source {
    /// About how long a record is: what splits are measured by, because nothing lies on disk.
    static let recordBytes: Int64 = 100

    /// How many splits there are at most.
    private static let splitLimit: Int64 = 100_000

    let records: GeneratedRecords
    let recordCount: Int64

    public var summary: String {
        "\(self.recordCount) generated \(self.records.kind.rawValue) (seed \(self.records.seed))"
    }

    public func enumerateSplits(framing: Framing, targetBytes: Int64) throws(ConnectorError) -> [Split] {
        if case .whole = framing {
            let message = "can't generate whole files: (generate …) makes lines; use a :format that reads lines"
            throw ConnectorError(.user, retry: .never, message)
        }
        let wanted = max(1, targetBytes / Self.recordBytes, self.recordCount / Self.splitLimit)
        let step: Int64
        if case .stream = framing { step = max(1, self.recordCount) } else { step = wanted }
        return stride(from: 0, to: self.recordCount, by: Int(clamping: step)).enumerated().map { index, start in
            let end = min(start + step, self.recordCount)
            return Split(
                id: SplitID(rawValue: index),
                resource: "generated \(self.records.kind.rawValue)",
                start: start,
                end: end,
                weightBytes: (end - start) * Self.recordBytes
            )
        }
    }

    public func makeReader(for split: Split, framing: Framing) throws(ConnectorError) -> any SourceReader {
        GeneratorReader(records: self.records, range: split.start..<(split.end ?? self.recordCount))
    }
}

/// Makes the records of one split.
@safe
final class GeneratorReader: SourceReader {
    private let records: GeneratedRecords
    private var range: Range<Int64>

    /// A record that didn't fit into the last block.
    private var line: [UInt8] = []

    init(records: GeneratedRecords, range: Range<Int64>) {
        self.records = records
        self.range = range
    }

    func poll(into block: SourceBlock) throws(ConnectorError) -> SourcePoll {
        block.count = 0
        block.position = self.range.lowerBound
        var number = self.range.lowerBound
        while number < self.range.upperBound {
            if self.line.isEmpty { self.records.append(number, to: &self.line) }
            if self.line.count > block.capacity - block.count {
                if block.count > 0 { break }
                block.grow(to: self.line.count, preserving: 0)
            }
            unsafe self.line.withUnsafeBytes { bytes in
                guard let source = bytes.baseAddress else { return }
                unsafe (block.base + block.count).copyMemory(from: source, byteCount: bytes.count)
            }
            block.count += self.line.count
            self.line.removeAll(keepingCapacity: true)
            number += 1
        }
        block.consumedBytes = (number - self.range.lowerBound) * GeneratorSource.recordBytes
        self.range = number..<self.range.upperBound
        return block.count > 0 ? .block : .end
    }

    func close() {}
}
