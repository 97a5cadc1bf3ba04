import ReferenceInterpreter

/// Makes a job that shows a difference smaller while it still shows one: first its input, then its text.
struct MapShrinker {
    /// Jobs tried before the smallest input found so far is good enough.
    private static let trialLimit = 2_000

    private let stillFails: (GeneratedMap) -> Bool
    private var trialCount = 0

    init(stillFails: @escaping (GeneratedMap) -> Bool) {
        self.stillFails = stillFails
    }

    mutating func shrink(_ map: GeneratedMap) -> GeneratedMap {
        let small = self.withoutInput(map)
        let stillFails = self.stillFails
        var shrinker = ProgramShrinker { stillFails(small.replacing(text: $0.text)) }
        let program = GeneratedProgram(seed: small.seed, kind: .mapLambda, text: small.text, lines: [])
        return self.withoutInput(small.replacing(text: shrinker.shrink(program).text))
    }

    private mutating func withoutInput(_ map: GeneratedMap) -> GeneratedMap {
        var best = map
        for index in best.files.indices {
            best = self.smaller(best) { $0.replacing(file: index, with: []) }
        }
        for index in best.files.indices {
            let joined = best.files[index].blocks.flatMap(\.self)
            best = self.smaller(best) { $0.replacing(file: index, with: joined.isEmpty ? [] : [joined]) }
            for block in best.files[index].blocks.indices.reversed() { self.cut(&best, index, block) }
        }
        return best
    }

    /// Tries to leave out ever smaller parts of a block.
    private mutating func cut(_ best: inout GeneratedMap, _ index: Int, _ block: Int) {
        var length = best.files[index].blocks[block].count / 2
        while length >= 1 {
            var start = 0
            while start < best.files[index].blocks[block].count, self.trialCount < Self.trialLimit {
                let candidate = Self.without(start, length, best, index, block)
                if self.fails(candidate) {
                    best = candidate
                    guard best.files[index].blocks.indices.contains(block) else { return }
                } else {
                    start += length
                }
            }
            length /= 2
        }
    }

    private static func without(
        _ start: Int,
        _ length: Int,
        _ map: GeneratedMap,
        _ index: Int,
        _ block: Int
    ) -> GeneratedMap {
        var blocks = map.files[index].blocks
        let isLast = block == blocks.count - 1
        blocks[block].removeSubrange(start..<min(start + length, blocks[block].count))
        // Only the last block may end inside a line.
        if !isLast, let end = blocks[block].last, end != UInt8(ascii: "\n") {
            blocks[block].append(UInt8(ascii: "\n"))
        }
        if blocks[block].isEmpty { blocks.remove(at: block) }
        return map.replacing(file: index, with: blocks)
    }

    private mutating func smaller(
        _ map: GeneratedMap,
        _ change: (GeneratedMap) -> GeneratedMap
    ) -> GeneratedMap {
        let candidate = change(map)
        return self.fails(candidate) ? candidate : map
    }

    private mutating func fails(_ map: GeneratedMap) -> Bool {
        self.trialCount += 1
        return self.trialCount <= Self.trialLimit && self.stillFails(map)
    }
}

extension GeneratedMap {
    fileprivate func replacing(file index: Int, with blocks: [[UInt8]]) -> GeneratedMap {
        var files = self.files
        files[index] = File(blocks: blocks)
        return self.replacing(files: files)
    }
}
