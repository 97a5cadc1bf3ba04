import CoreTypes
import Testing

@testable import Engine

@Suite struct TokenScannerTests {
    /// Pieces of random text are those of a plain splitter, whatever is done with empty ones.
    @Test(arguments: 0..<UInt64(300))
    func `pieces and their lines are those of a splitter that looks at each byte`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let separators = ByteClass(random.chance(percent: 50) ? [32] : [32, 9, 44])
        let policies: [TokenScanner.EmptyPieces] = [.dropped, .kept, .keptInside]
        let policy = policies[random.next(in: 0..<3)]
        let alphabet: [UInt8] = [97, 98, 32, 44, 9, 10, 13, 0xC3, 0]
        let text = (0..<random.next(in: 0..<400)).map { _ in alphabet[random.next(in: 0..<alphabet.count)] }

        let found = Self.scan(text, separators, policy)

        #expect(found == Self.split(text, separators, policy), "replay with seed \(seed)")
    }

    private static func scan(
        _ text: [UInt8],
        _ separators: ByteClass,
        _ policy: TokenScanner.EmptyPieces
    ) -> [Piece] {
        var scanner = TokenScanner(separators: separators, emptyPieces: policy)
        // So small that a block takes several batches.
        var column = TextColumn(capacity: 70)
        var rows = Array(repeating: UInt32(0), count: 70)
        var pieces: [Piece] = []
        let padded = text + Array(repeating: 0x20, count: 128)
        unsafe padded.withUnsafeBufferPointer { bytes in
            unsafe rows.withUnsafeMutableBufferPointer { rows in
                let base = unsafe bytes.baseAddress.unsafelyUnwrapped
                unsafe scanner.begin(base, count: text.count, hasCarriageReturns: text.contains(13))
                while unsafe scanner.fill(&column, rows: rows.baseAddress) {
                    for index in 0..<column.count {
                        let start = unsafe Int(column.starts[index])
                        let end = unsafe start + Int(column.lengths[index])
                        pieces.append(Piece(bytes: Array(text[start..<end]), line: unsafe Int(rows[index])))
                    }
                }
            }
        }
        return pieces
    }

    private struct Piece: Hashable {
        let bytes: [UInt8]
        let line: Int
    }

    private static func split(
        _ text: [UInt8],
        _ separators: ByteClass,
        _ policy: TokenScanner.EmptyPieces
    ) -> [Piece] {
        var lines = text.split(separator: 10, omittingEmptySubsequences: false).map(Array.init)
        if text.last == 10 || text.isEmpty { lines.removeLast() }
        return lines.enumerated().flatMap { number, line in
            let endsWithNewline = number < lines.count - 1 || text.last == 10
            let content = endsWithNewline && line.last == 13 ? Array(line.dropLast()) : line
            var pieces = content.split(omittingEmptySubsequences: false) { separators.contains($0) }.map(Array.init)
            switch policy {
            case .kept: break
            case .dropped: pieces.removeAll(where: \.isEmpty)
            case .keptInside:
                if pieces.last?.isEmpty == true { pieces.removeLast() }
                if pieces.first?.isEmpty == true { pieces.removeFirst() }
            }
            return pieces.map { Piece(bytes: $0, line: number) }
        }
    }
}
