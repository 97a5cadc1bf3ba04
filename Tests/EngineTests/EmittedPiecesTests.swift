import CoreTypes
import FluentSyntax
import Testing

@testable import Engine

/// Loops that only emit pieces run without instructions: nobody may notice.
@Suite struct EmittedPiecesTests {
    private static let separators = [##"#"\s+""##, ##"#"\s""##, ##"#"[,;]""##, ##"" ""##, ##"#", ?""##]
    private static let bytes = Array("abcdefgh  ,;\té\u{0}".utf8) + [0xFF]

    @Test(arguments: separators, ["1", "2.5", "\"text\"", "(count word)"])
    func `a loop emits the same pieces for the same steps, directly and through its host`(
        separator: String,
        value: String
    ) throws {
        let text = "(lambda (line) (for (word (split line \(separator))) (emit word \(value))))"
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix64(seed: seed)
        let (program, function, _) = try MachineRunner.compileMap(text)
        for round in 0..<200 {
            let line = Self.line(&random)
            let steps = random.next(in: 0..<3) == 0 ? random.next(in: 0..<60) : 10_000
            let direct = Self.run(program, function, line, steps: steps, isDirect: true)
            let told = Self.run(program, function, line, steps: steps, isDirect: false)
            #expect(direct == told, "seed \(seed), round \(round): \(line), \(steps) steps")
        }
    }

    private struct Outcome: Equatable {
        var error: String?
        var pairs: [String]
        var stepsLeft: Int
    }

    /// Pieces of all lengths, often longer than what a key holds by itself, sometimes many.
    private static func line(_ random: inout SplitMix64) -> [UInt8] {
        var line: [UInt8] = []
        for _ in 0..<random.next(in: 0..<[4, 20, 400][random.next(in: 0..<3)]) {
            let byte = Self.bytes[random.next(in: 0..<Self.bytes.count)]
            line += Array(repeating: byte, count: random.next(in: 0..<9) == 0 ? random.next(in: 1..<18) : 1)
        }
        return line
    }

    private static func run(
        _ program: CompiledProgram,
        _ function: FunctionIndex,
        _ line: [UInt8],
        steps: Int,
        isDirect: Bool
    ) -> Outcome {
        var machine = Machine(program: program, limits: MachineLimits(steps: steps), host: PairHost(isDirect: isDirect))
        machine.beginRecord()
        var outcome = Outcome(error: nil, pairs: [], stepsLeft: 0)
        do throws(EvaluationError) {
            let text = unsafe (line + [0]).withUnsafeBufferPointer { bytes in
                let text = unsafe Bytes(start: bytes.baseAddress.unsafelyUnwrapped, count: line.count)
                return machine.workspace.arena.makeText(.string, copying: text)
            }
            _ = try machine.call(function, text ?? .nil)
        } catch {
            outcome.error = "\(error.code.message) at \(error.range)"
        }
        outcome.stepsLeft = machine.workspace.allStepsLeft
        outcome.pairs = machine.host.shown
        return outcome
    }
}

/// Keeps pairs in a buffer: those that the machine adds by itself, or all that it is told.
private struct PairHost: MachineHost, ~Copyable {
    var pairs: PairBuffer
    private let isDirect: Bool

    init(isDirect: Bool) {
        self.pairs = PairBuffer(capacity: 64, directLimit: 40)
        self.isDirect = isDirect
    }

    var pairCursor: PairCursorReference? { self.isDirect ? unsafe PairCursorReference(self.pairs.cursor) : nil }

    var shown: [String] {
        var arena = Arena(limitBytes: 1 << 20)
        return (0..<self.pairs.count).map { index in
            let key = try? self.pairs.key(index, in: &arena)
            let value = unsafe try? self.pairs.value(self.pairs.values[index], in: &arena)
            return "\(key?.shown ?? "?") \(value?.shown ?? "?")"
        }
    }

    mutating func emit(key: Value, value: Value) throws(EvaluationError) {
        do {
            try self.pairs.append(key: key, value: value)
        } catch {
            throw EvaluationError(error, at: SourceRange(start: 0, end: 0))
        }
    }

    mutating func next(of stream: Int, in arena: inout Arena) throws(EvaluationError) -> Value? { nil }

    mutating func rewind(_ stream: Int) throws(EvaluationError) {}
}
