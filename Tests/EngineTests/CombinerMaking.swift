import ConnectorKit
import CoreTypes
import FluentSyntax
import JobPlan
import Testing
import WireFormat

@testable import Engine

/// Pairs, combiners and what is shipped of them, as the tests need them.
enum CombinerMaking {
    /// A value to emit, or one that was shipped, without memory of its own.
    typealias Pair = (key: String, value: Constant)

    /// The lambda of a program `(define f (lambda …))`; other definitions are its globals.
    static func closure(_ text: String) throws -> Closure {
        let source = SourceFile(name: "test.fl", text: "(define f \(text))")
        let checked = Frontend.check(source)
        try #require(checked.diagnostics.filter { $0.severity == .error }.map(\.message) == [])
        guard case .define(_, let value)? = checked.program?.forms.first?.kind, case .lambda(let lambda) = value.kind
        else { throw EvaluationError(.noMatch, at: SourceRange(start: 0, end: 0)) }
        return Closure(lambda: lambda, captured: [], globals: [:])
    }

    static func step(
        _ text: String,
        policy: RecordPolicy = .fail,
        tableBytes: Int = 8 << 20,
        limits: MachineLimits = MachineLimits()
    ) throws -> CombineStep {
        var compiler = ProgramCompiler()
        let function = try compiler.add(try Self.closure(text))
        return CombineStep(
            method: .function(function),
            program: compiler.finish(),
            limits: limits,
            policy: policy,
            tableBytes: tableBytes
        )
    }

    static func step(_ kind: AggregateKind, tableBytes: Int = 8 << 20) throws -> CombineStep {
        let unused = try Self.step("(lambda (vs) vs)")
        return CombineStep(
            method: .aggregate(kind),
            program: unused.program,
            limits: unused.limits,
            policy: unused.policy,
            tableBytes: tableBytes
        )
    }

    /// What a combiner ships of pairs that come in batches of 128.
    static func shipped(_ pairs: [Pair], by step: CombineStep) throws(EngineError) -> [Pair] {
        let combiner = step.makePairCombiner()
        var rows = RowOutput(routing: Self.routing, batchBytes: 16 << 10)
        var start = 0
        while start < pairs.count {
            let end = min(start + 128, pairs.count)
            try combiner.add(Self.buffer(pairs[start..<end]), into: &rows)
            start = end
        }
        try combiner.finish(into: &rows)
        return Self.contents(&rows)
    }

    static let routing = Routing(keyGroupCount: 128, partitionCount: 4, subtaskCount: 2)

    static func buffer(_ pairs: some Sequence<Pair>) -> PairBuffer {
        var buffer = PairBuffer()
        var arena = Arena(limitBytes: 64 << 20)
        for pair in pairs {
            guard let key = arena.makeText(.string, utf8: pair.key), let value = arena.makeValue(pair.value) else {
                preconditionFailure("test values are small")
            }
            do {
                try buffer.append(key: key, value: value)
            } catch {
                preconditionFailure("test values can travel")
            }
        }
        return buffer
    }

    static func contents(_ rows: inout RowOutput) -> [Pair] {
        rows.flush()
        return rows.takeReady().flatMap { Self.contents(of: $0.batch) }
    }

    static func contents(of batch: RecordBatch) -> [Pair] {
        var pairs: [Pair] = []
        var offset = 0
        while offset < batch.count {
            let row = unsafe RecordRow(batch.base + offset)
            let payload = unsafe Bytes(start: row.payload.assumingMemoryBound(to: UInt8.self), count: row.payloadBytes)
            pairs.append(Self.pair(KeyedRow(row), payload))
            offset += row.size
        }
        return pairs
    }

    static func pair(_ row: KeyedRow, _ payload: Bytes) -> Pair {
        var arena = Arena(limitBytes: 64 << 20)
        guard let key = try? row.value(in: &arena),
            let value = try? ValueCodec.decode(payload, in: &arena, text: .borrowed), let constant = Constant(value)
        else { preconditionFailure("what was shipped can be decoded") }
        return (key.text.string, constant)
    }

    /// Values by key.
    static func groups(_ pairs: [Pair]) -> [String: [Constant]] {
        Dictionary(grouping: pairs, by: \.key).mapValues { $0.map(\.value) }
    }
}
