import CoreTypes
package import FluentSyntax

/// A job's plans for people and programs: no secrets, places as `line:column`.
package struct PlanExplanation: Sendable {
    let job: PlannedJob
    let source: SourceFile

    package init(_ job: PlannedJob, source: SourceFile) {
        self.job = job
        self.source = source
    }

    /// All three plans as a tree of lines.
    package var text: String {
        var lines = self.header
        lines += ["", "logical plan"] + self.chain(self.job.logical.operators)
        lines += ["", "optimised plan"] + self.chain(self.job.optimised.operators)
        lines += ["", "rewrites"] + self.job.optimised.rewrites.map { "  \($0.line(in: self.source))" }
        lines += ["", "job graph"] + self.job.graph.stages.flatMap(self.lines(for:))
        lines += ["", "memory"] + self.memoryLines
        // Names and regular expressions may hold anything.
        return lines.map { $0.escapingControls() + "\n" }.joined()
    }

    private var header: [String] {
        let place = self.source.location(of: self.job.definition.range.start)
        return [
            "job \(self.job.definition.name) (\(self.source.name):\(place.line):\(place.column))",
            "  on error: \(self.job.graph.onError.summary)",
            "  kernels: \(self.job.graph.kernelsEnabled ? "on" : "off")",
        ]
    }

    private func chain(_ operators: [OperatorKind]) -> [String] {
        operators.map { "  \($0.name) \($0.summary)" }
    }

    private func lines(for stage: Stage) -> [String] {
        let input =
            switch stage.input {
            case .splits: "reads splits"
            case .exchange(let producer): "reads stage \(producer.rawValue)"
            }
        let output =
            switch stage.output {
            case .exchange(let consumer): "feeds stage \(consumer.rawValue)"
            case .sink: "writes \(Self.counted(self.job.graph.partitionCount, "partition"))"
            }
        let memory = MemorySize.roundedText(of: self.job.graph.memory.estimatedBytes(of: stage))
        let head =
            "  stage \(stage.index.rawValue): \(Self.counted(stage.parallelism, "subtask")), \(input), \(output), "
            + "at most \(memory)"
        return [head] + stage.operators.map { "    \($0.id) \($0.kind.summary)" }
    }

    private var memoryLines: [String] {
        let memory = self.job.graph.memory
        let rows: [(name: String, bytes: Int64)] = [
            ("limit", memory.limitBytes),
            ("blocks and output buffers", memory.ioBytes),
            ("exchange", memory.exchangeBytes),
            ("each combine table", memory.combineTableBytes),
            ("each reduce table", memory.reduceTableBytes),
        ]
        return rows.filter { $0.bytes > 0 }.map { "  \($0.name): \(MemorySize.roundedText(of: $0.bytes))" }
    }

    private static func counted(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }
}
