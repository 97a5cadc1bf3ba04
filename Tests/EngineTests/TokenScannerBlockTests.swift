import CoreTypes
import EngineTestKit
import Testing

@testable import Engine

/// Blocks of every length around the widths that the scanner works in, with and without line numbers.
@Suite struct TokenScannerBlockTests {
    /// How one block is cut.
    struct Cut: Sendable, CustomStringConvertible {
        let separators: ByteClass
        let name: String
        let policy: TokenScanner.EmptyPieces

        var description: String { "\(self.name), \(self.policy)" }

        static let all: [Cut] = [
            ("space", ByteClass([32])), ("whitespace", .whitespace), ("comma or zero", ByteClass([44, 0])),
            ("beyond ASCII", ByteClass(UInt8(0x80)...0xFF)), ("none", ByteClass()),
        ].flatMap { (name: String, separators: ByteClass) in
            // Where a carriage return separates, empty pieces are dropped: other shapes are the machine's.
            let policies: [TokenScanner.EmptyPieces] =
                separators.contains(13) ? [.dropped] : [.dropped, .kept, .keptInside]
            return policies.map { Cut(separators: separators, name: name, policy: $0) }
        }
    }

    private static let lengths = [0, 1, 2, 63, 64, 65, 127, 128, 129, 1_000, 4_095, 4_096, 4_097, 4_160, 8_192]

    @Test(arguments: Cut.all)
    func `pieces are those of a splitter that looks at each byte, for every length of a block`(cut: Cut) {
        for (number, length) in Self.lengths.enumerated() {
            for density in [2, 10, 60] {
                var random = SplitMix64(seed: UInt64(number * 100 + density))
                let text = Self.makeText(length, separatorPercent: density, &random)
                let expected = Self.split(text, cut)

                let numbered = Self.scan(text, cut, hasRows: true)
                let plain = Self.scan(text, cut, hasRows: false)

                #expect(firstDifference(numbered, expected) == nil, "\(cut), \(length) bytes, density \(density)")
                #expect(
                    firstDifference(plain.map(\.bytes), expected.map(\.bytes)) == nil,
                    "\(cut), \(length) bytes, density \(density)"
                )
            }
        }
    }

    @Test(arguments: Cut.all)
    func `a scanner forgets the block before`(cut: Cut) {
        var random = SplitMix64(seed: 5)
        let texts = [700, 64, 0, 4_200, 3].map { Self.makeText($0, separatorPercent: 20, &random) }
        var scanner = TokenScanner(separators: cut.separators, emptyPieces: cut.policy)

        for text in texts {
            let found = Self.scan(text, with: &scanner, hasRows: true)
            #expect(firstDifference(found, Self.split(text, cut)) == nil, "\(cut)")
        }
    }

    @Test func `a carriage return is a line's end before a newline alone`() {
        let cut = Cut(separators: ByteClass([32]), name: "space", policy: .kept)

        let found = Self.scan(Array("a\r\nb\r c\r\r\n\r\nd\r".utf8), cut, hasRows: true)

        #expect(found.map { String(decoding: $0.bytes, as: UTF8.self) } == ["a", "b\r", "c\r", "", "d\r"])
        #expect(found.map(\.line) == [0, 1, 1, 2, 3])
    }

    // MARK: The scanner

    struct Piece: Hashable {
        let bytes: [UInt8]
        let line: Int
    }

    private static func scan(_ text: [UInt8], _ cut: Cut, hasRows: Bool) -> [Piece] {
        var scanner = TokenScanner(separators: cut.separators, emptyPieces: cut.policy)
        return self.scan(text, with: &scanner, hasRows: hasRows)
    }

    private static func scan(_ text: [UInt8], with scanner: inout TokenScanner, hasRows: Bool) -> [Piece] {
        // So small that most blocks take several batches.
        let capacity = 100
        var column = TextColumn(capacity: capacity)
        var rows = Array(repeating: UInt32(0), count: capacity)
        var pieces: [Piece] = []
        // What lies behind a block looks like more of it.
        let padded = text + Array(repeating: 0x20, count: 64) + Array(repeating: 0x61, count: 64)
        unsafe padded.withUnsafeBufferPointer { bytes in
            unsafe rows.withUnsafeMutableBufferPointer { rows in
                let base = unsafe bytes.baseAddress.unsafelyUnwrapped
                unsafe scanner.begin(base, count: text.count, hasCarriageReturns: text.contains(13))
                while unsafe scanner.fill(&column, rows: hasRows ? rows.baseAddress : nil) {
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

    private static func makeText(
        _ length: Int,
        separatorPercent: Int,
        _ random: inout SplitMix64
    ) -> [UInt8] {
        let separators: [UInt8] = [32, 44, 9, 10, 10, 13, 0, 0xC3]
        // Half of all blocks have no carriage return, for which there is a faster way.
        let hasReturns = random.chance(percent: 50)
        return (0..<length).map { _ in
            guard random.chance(percent: separatorPercent) else { return UInt8(random.next(in: 97..<123)) }
            let byte = separators[random.next(in: 0..<separators.count)]
            return byte == 13 && !hasReturns ? 32 : byte
        }
    }

    // MARK: The model

    private static func split(_ text: [UInt8], _ cut: Cut) -> [Piece] {
        var lines = text.split(separator: 10, omittingEmptySubsequences: false).map(Array.init)
        if text.last == 10 || text.isEmpty { lines.removeLast() }
        return lines.enumerated().flatMap { number, line in
            let endsWithNewline = number < lines.count - 1 || text.last == 10
            let content = endsWithNewline && line.last == 13 ? Array(line.dropLast()) : line
            var pieces = content.split(omittingEmptySubsequences: false) { cut.separators.contains($0) }.map(Array.init)
            switch cut.policy {
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
