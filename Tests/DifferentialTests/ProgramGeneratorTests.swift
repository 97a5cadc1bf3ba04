import FluentSyntax
import ReferenceInterpreter
import Testing

struct ProgramGeneratorTests {
    private static let programCount: UInt64 = 500

    @Test func `a seed always gives the same program`() {
        for seed in UInt64(0)..<200 {
            let first = ProgramGenerator.program(seed: seed)
            let second = ProgramGenerator.program(seed: seed)

            #expect(first.text == second.text)
            #expect(first.lines == second.lines)
        }
    }

    @Test func `every program reads`() {
        for seed in 0..<Self.programCount {
            let program = ProgramGenerator.program(seed: seed)

            let read = Reader.read(program.source)

            let messages = read.diagnostics.map(\.message)
            #expect(messages.isEmpty, "seed \(seed): \(program.text)")
        }
    }

    @Test func `the checker accepts nearly every program`() {
        var refused: [String: Int] = [:]
        for seed in 0..<Self.programCount {
            for diagnostic in Frontend.check(ProgramGenerator.program(seed: seed).source).diagnostics
            where diagnostic.severity == .error {
                refused[diagnostic.code + " " + diagnostic.message, default: 0] += 1
                break
            }
        }

        let refusedCount = refused.values.reduce(0, +)
        #expect(refusedCount < Int(Self.programCount) / 10, "\(refused)")
    }

    @Test func `most runs succeed, and some fail in each of the common ways`() {
        var successCount = 0
        var runCount = 0
        var failures: [String: Int] = [:]
        for seed in 0..<Self.programCount {
            for run in ProgramGenerator.program(seed: seed).interpret()?.runs ?? [] {
                runCount += 1
                switch run.result {
                case .success: successCount += 1
                case .failure(let error): failures[error.code.name, default: 0] += 1
                }
            }
        }

        let successPercent = successCount * 100 / runCount
        #expect((60...97).contains(successPercent), "\(successPercent) %, failures: \(failures)")
        for name in ["type-mismatch", "integer-overflow", "division-by-zero", "index-out-of-range", "thrown"] {
            #expect(failures[name, default: 0] > 0, "no \(name) in \(failures)")
        }
    }

    @Test func `every builtin that needs no engine is generated`() {
        let effects: Set<Builtin> = [
            .now, .uuid, .println, .logInfo, .logWarn, .logError, .alert, .windowStart, .windowEnd, .pane, .state,
            .setState, .setTimer, .groupKey, .param, .lookup, .emitTo, .messageKey, .messageHeader, .messageTopic,
            .messagePartition, .messageOffset, .sourceName,
            .submitJob, .await, .jobWaitCompletion, .jobGetResults, .jobStatus, .jobCancel, .jobID,
        ]
        var seen: Set<Builtin> = []
        for seed in 0..<Self.programCount {
            for form in Reader.read(ProgramGenerator.program(seed: seed).source).forms {
                Self.collect(form, into: &seen)
            }
        }

        let missing = Builtin.allCases.filter { !effects.contains($0) && !seen.contains($0) }.map(\.name)

        #expect(missing.isEmpty)
    }

    @Test func `shrinking keeps the failure and drops the rest`() {
        let text = "(let ((x (list 1 2 3))) (str \"kept\" (map (lambda (y) (+ y 1 (quot y 0))) x) (if true :a :b)))"
        let program = GeneratedProgram(seed: 0, kind: .expression, text: text, lines: [])
        var shrinker = ProgramShrinker { candidate in
            guard case .failure(let error)? = candidate.interpret()?.runs.first?.result else { return false }
            return error.code == .divisionByZero(operation: "quot")
        }

        let smallest = shrinker.shrink(program)

        #expect(smallest.text.contains("(quot "))
        #expect(smallest.text.utf8.count < 60, "\(smallest.text)")
    }

    private static func collect(_ node: SyntaxNode, into seen: inout Set<Builtin>) {
        switch node.kind {
        case .symbol(let name):
            if let builtin = Builtin(name: name) { seen.insert(builtin) }
        case .list(let children), .vector(let children), .map(let children):
            for child in children { Self.collect(child, into: &seen) }
        case .nil, .boolean, .integer, .float, .string, .regex, .keyword, .quote: break
        }
    }
}
