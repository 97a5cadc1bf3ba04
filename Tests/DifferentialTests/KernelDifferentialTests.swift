import OracleWorlds
import Testing

struct KernelDifferentialTests {
    @Test func `machine and kernels give the pairs and errors of the interpreter`() {
        var comparison = MapComparison()
        let first = DailyRun.firstSeed
        let mapCount = Int(DailyRun.mapCount)

        comparison.compare(first..<first + DailyRun.mapCount)

        for mismatch in comparison.mismatches { Issue.record("\(mismatch)") }
        #expect(comparison.comparedCount > mapCount * 9 / 10)
        #expect(comparison.kernelCount > mapCount / 2, "too few jobs have kernels")
    }

    @Test func `a planted difference is found and shrunk`() throws {
        var comparison = MapComparison { map in
            let files = map.files.map { file in
                GeneratedMap.File(
                    blocks: file.blocks.map { $0.map { $0 == UInt8(ascii: "a") ? UInt8(ascii: "b") : $0 } }
                )
            }
            return map.replacing(files: files)
        }

        comparison.compare(0..<20)

        let mismatch = try #require(comparison.mismatches.first)
        #expect(mismatch.utf8.count < 700, "\(mismatch)")
    }

    @Test func `a seed always gives the same job`() {
        for seed in UInt64(0)..<100 {
            let first = MapGenerator.map(seed: seed)
            let second = MapGenerator.map(seed: seed)

            #expect(first.text == second.text)
            #expect(first.files.map(\.blocks) == second.files.map(\.blocks))
        }
    }

    // Map and whatever follows it, then the only file.
    @Test(arguments: [
        // Two emits are written in the order of the program.
        (##"(lambda (line) (for (w (split line ",")) (emit 0 w) (emit w 1))) :on-error 'skip"##, "a,b"),
        // Scalars beyond ASCII aren't white space, digits or word characters.
        (
            ##"(lambda (line) (for (w (split line #"\S+")) (emit w 1))) :reduce (lambda (k vs) (emit k (sum vs)))"##,
            "é 日"
        ),
        (##"(lambda (line) (for (w (split line #"\W+")) (emit w 1)))"##, "aéb-日c"),
        // The place of a failure names the key, also a long one.
        (
            ##"(lambda (line) (emit line line)) :reduce (lambda (k vs) (emit k (sum vs)))"##,
            String(repeating: "a long key", count: 30)
        ),
    ])
    func `jobs that once differed don't any more`(functions: String, input: String) {
        let text = """
            (define-mapreduce job :input (distributed-files "in") :output (distributed-path "out") :map \(functions))
            """
        let file = GeneratedMap.File(blocks: [Array(input.utf8)])
        let map = GeneratedMap(seed: 0, text: text, files: [file], parallelism: 1)

        #expect(MapComparison.difference(of: map) == nil)
    }
}
