internal import ConnectorKit
internal import CoreTypes
package import Engine

/// What a spill store did that none may do.
package struct SpillStoreViolation: Error, CustomStringConvertible {
    package let description: String
}

/// Checks what ``SpillStore`` promises, with random runs of random blocks.
///
/// - Throws: ``SpillStoreViolation``, or what the store throws.
package func checkSpillStore(_ store: any SpillStore, seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var contents = (0..<random.next(in: 1..<8)).map { _ in
        (0..<random.next(in: 0..<8)).map { _ in SpillStoreContent.makeBlock(random.next(in: 1..<4_000), &random) }
    }
    // The largest block that a store must take.
    contents[0].append(SpillStoreContent.makeBlock(SpillLimits.blockBytes, &random))
    let runs = try SpillStoreContent.write(contents, to: store)
    // Readers that are open at once, two of each run, and read in turn.
    for round in 0..<2 {
        let readers = try runs.map { try ($0.makeReader(), $0.makeReader()) }
        let block = SourceBlock(capacity: 16)
        for position in 0...8 {
            for (run, pair) in readers.enumerated() {
                let expected = position < contents[run].count ? contents[run][position] : nil
                for reader in [pair.0, pair.1] {
                    let isFound = try reader.next(into: block)
                    if isFound != (expected != nil) || !SpillStoreContent.isEqual(block, expected ?? []) {
                        throw SpillStoreViolation(
                            description: "seed \(seed), round \(round): run \(run) gives \(block.count) bytes as block "
                                + "\(position) instead of \(expected?.count ?? 0), or others"
                        )
                    }
                }
            }
        }
    }
    for (run, content) in zip(runs, contents) where content.isEmpty != (run.storedBytes == 0) {
        throw SpillStoreViolation(description: "seed \(seed): \(content.count) blocks take \(run.storedBytes) bytes")
    }
}

private enum SpillStoreContent {
    static func makeBlock(_ length: Int, _ random: inout SplitMix64) -> [UInt8] {
        var block = [UInt8](repeating: UInt8(random.next(in: 0..<256)), count: length)
        for index in stride(from: 0, to: length, by: length < 4_000 && random.chance(percent: 20) ? 1 : 50) {
            block[index] = UInt8(truncatingIfNeeded: random.next())
        }
        return block
    }

    /// Writes a block of each run in turn; the bytes handed over are overwritten at once, as their owner may do.
    static func write(_ contents: [[[UInt8]]], to store: any SpillStore) throws -> [any SpillRun] {
        let writers = try contents.map { _ in try store.makeRun() }
        for position in 0..<(contents.map(\.count).max() ?? 0) {
            for (run, writer) in writers.enumerated() where position < contents[run].count {
                var lent = contents[run][position]
                try unsafe lent.withUnsafeMutableBytes { bytes in
                    try unsafe writer.append(UnsafeRawBufferPointer(bytes))
                    unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0xEE)
                }
            }
        }
        return try writers.map { try $0.finish() }
    }

    static func isEqual(_ block: SourceBlock, _ expected: [UInt8]) -> Bool {
        unsafe expected.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress, buffer.count > 0 else { return block.count == 0 }
            let found = unsafe Bytes(start: block.base.assumingMemoryBound(to: UInt8.self), count: block.count)
            return unsafe Bytes.areEqual(found, Bytes(start: start, count: buffer.count))
        }
    }
}
