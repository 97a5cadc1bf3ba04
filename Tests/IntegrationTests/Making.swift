import Foundation
import Testing

/// Programs and runs, as the tests need them.
extension TemporaryFolder {
    /// Writes a job `job.fl` that reads `in/*` and writes `out`.
    func writeJob(
        map: String,
        reduce: String? = "(emit key (sum values))",
        options: String = "",
        definitions: String = "",
        input: String = "in/*",
        sink: String = ""
    ) throws {
        let reduction = reduce.map { "  :reduce (lambda (key values) \($0))\n" } ?? ""
        try self.write(
            """
            \(definitions)
            (define-mapreduce job
              :input (distributed-files "\(input)")
              :output (distributed-path "out" \(sink))
              :map (lambda (line) \(map))
            \(reduction)  :partitions 2 \(options))
            """,
            to: "job.fl"
        )
    }

    /// A job that counts words between blanks.
    func writeWordCount(input: String = "in/*", sink: String = "") throws {
        try self.writeJob(
            map: #"(for (word (split line #"\s+")) (emit word 1))"#,
            options: ":combiner sum",
            input: input,
            sink: sink
        )
    }

    /// Runs `weir run job.fl` to its end.
    func run(
        _ arguments: String...,
        prefix: [String] = [],
        environment: [String: String] = [:]
    ) throws -> WeirProcess.Outcome {
        try WeirProcess(["run", "job.fl"] + arguments, in: self, prefix: prefix, environment: environment).wait()
    }

    /// Runs the job, which must succeed.
    @discardableResult
    func summary(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> RunSummary.Job {
        try self.summary(arguments, sourceLocation: sourceLocation)
    }

    @discardableResult
    func summary(_ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation) throws -> RunSummary.Job {
        let outcome = try WeirProcess(["run", "job.fl", "--json"] + arguments, in: self).wait()
        #expect(outcome.code == 0, "\(outcome.notes)", sourceLocation: sourceLocation)
        return try #require(try outcome.report().jobs.first, sourceLocation: sourceLocation)
    }

    /// Whether a run left nothing: neither output nor traces of it.
    var isWithoutOutput: Bool { self.names(in: "out") == nil }
}

/// Whether a text has all of these pieces, for messages that say what, where and what to do.
func expect(
    _ text: String,
    contains pieces: [String],
    sourceLocation: SourceLocation = #_sourceLocation
) {
    for piece in pieces {
        #expect(text.contains(piece), "'\(piece)' is missing in: \(text)", sourceLocation: sourceLocation)
    }
}
