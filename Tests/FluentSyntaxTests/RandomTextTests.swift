import CoreTypes
import FluentSyntax
import Testing

/// Whatever the bytes are, reading, checking, rendering and formatting come to an end.
@Suite struct RandomTextTests {
    @Test(arguments: 0..<10)
    func `random bytes are survived`(block: UInt64) {
        for seed in block * 15..<block * 15 + 15 {
            var random = SplitMix64(seed: seed)
            let bytes = (0..<random.next(in: 0..<300)).map { _ in UInt8(truncatingIfNeeded: random.next()) }

            Self.exercise(SourceFile(name: "seed-\(seed)", bytes: bytes))
        }
    }

    @Test(arguments: 0..<10)
    func `random words of the language are survived`(block: UInt64) {
        let words = [
            "(", ")", "[", "]", "{", "}", "'", "\"", "#\"", ";", "\n", " ", ":a", "1", "let", "lambda", "match", "for",
            "cond", "define", "define-mapreduce", ":map", "emit", "->", "try", "catch", "x", "_", "\\", "when",
        ]
        for seed in block * 15..<block * 15 + 15 {
            var random = SplitMix64(seed: seed)
            let count = random.next(in: 0..<80)
            let text = (0..<count).map { _ in words[random.next(in: 0..<words.count)] }.joined(separator: " ")

            Self.exercise(SourceFile(name: "seed-\(seed)", text: text))
        }
    }

    @Test(arguments: 0..<10)
    func `random programs are survived`(block: UInt64) {
        for seed in block * 15..<block * 15 + 15 {
            var generator = ProgramGenerator(seed: seed)

            Self.exercise(SourceFile(name: "seed-\(seed)", text: generator.program()))
        }
    }

    @Test(arguments: Fixtures.names)
    func `a program cut anywhere is survived`(name: String) throws {
        let source = try Fixtures.read(name)

        for length in stride(from: 0, to: source.bytes.count, by: 5) {
            Self.exercise(SourceFile(name: "\(name)[..<\(length)]", bytes: Array(source.bytes[..<length])))
        }
    }

    /// Runs everything that takes outside text, and checks what must always hold.
    private static func exercise(_ source: SourceFile) {
        let checked = Frontend.check(source)
        let renderer = DiagnosticRenderer(source: source)
        let rendered = renderer.text(checked.diagnostics) + renderer.json(checked.diagnostics)
        let formatted = Formatter.format(source)

        let starts = checked.diagnostics.map(\.range.start)
        let isInOrder = zip(starts, starts.dropFirst()).allSatisfy { $0 <= $1 }
        let areInside = checked.diagnostics.allSatisfy { diagnostic in
            diagnostic.range.start >= 0 && diagnostic.range.start <= diagnostic.range.end
                && diagnostic.range.end <= source.bytes.count
        }
        if case .unreadable(let diagnostics) = formatted, diagnostics.isEmpty { Issue.record("\(source.name)") }
        guard (checked.program == nil) != checked.hasErrors || !isInOrder || !areInside || rendered.isEmpty else {
            return
        }
        Issue.record("\(source.name): \(rendered)")
    }
}
