import CoreTypes
package import FluentSyntax

/// A stream's plans for people and programs: no secrets, places as `line:column`.
package struct StreamExplanation: Sendable {
    let plan: StreamPlan
    let source: SourceFile

    package init(_ plan: StreamPlan, source: SourceFile) {
        self.plan = plan
        self.source = source
    }

    /// Both plans as a tree of lines.
    package var text: String {
        let definition = self.plan.definition
        let place = self.source.location(of: definition.range.start)
        var lines = [
            "stream \(definition.name) (\(self.source.name):\(place.line):\(place.column))",
            "  on error: \(definition.settings.onError.summary)",
        ]
        lines += ["", "logical plan"] + definition.steps.map { "  \($0.name) \($0.summary)" }
        lines += ["", "optimised plan"] + self.plan.steps.map { "  \($0.name) \($0.summary)" }
        lines += ["", "rewrites"] + self.plan.rewrites.map { "  \($0.line(in: self.source))" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The same as JSON; members are only ever added.
    package var json: JSONNode {
        let definition = self.plan.definition
        return .object([
            .init("stream", .string(definition.name)),
            .init("place", self.source.node(for: definition.range)),
            .init("on-error", .string(definition.settings.onError.summary)),
            .init("logical", .array(definition.steps.map(\.node))),
            .init("optimised", .array(self.plan.steps.map(\.node))),
            .init("rewrites", .array(self.plan.rewrites.map { $0.node(in: self.source) })),
            .init("columns", .count(self.plan.columnCount)),
        ])
    }

    /// The optimised plan for Graphviz: a node for each step, side outputs aside.
    package var dot: String {
        let name = self.plan.definition.name
        var lines = ["digraph \(PlanExplanation.quoted(name)) {", "  rankdir=LR;", "  node [shape=box];"]
        let steps = self.numberedSteps
        for (id, step) in steps {
            let text = PlanExplanation.quoted("\(step.name)\n\(step.summary)")
            lines.append("  \(PlanExplanation.quoted("\(name)/\(id)")) [label=\(text)];")
        }
        let chain = steps.filter { !$0.step.isSide }
        for (producer, consumer) in zip(chain, chain.dropFirst()) {
            let style = producer.step.name == "shuffle" ? " [style=bold, label=\"hash\"]" : ""
            lines.append("  \(self.edge(producer.id, consumer.id))\(style);")
        }
        for side in steps where side.step.isSide {
            let producers = side.step.name == "late" ? ["window"] : ["reduce", "process", "join"]
            guard let producer = chain.last(where: { producers.contains($0.step.name) }) else { continue }
            lines.append("  \(self.edge(producer.id, side.id)) [style=dashed];")
        }
        return (lines + ["}"]).joined(separator: "\n") + "\n"
    }

    /// The steps, each with a name of its own: the second map is `map-2`.
    private var numberedSteps: [(id: String, step: StreamStep)] {
        var counts: [String: Int] = [:]
        return self.plan.steps.map { step in
            counts[step.name, default: 0] += 1
            let count = counts[step.name] ?? 1
            return (count == 1 ? step.name : "\(step.name)-\(count)", step)
        }
    }

    private func edge(_ producer: String, _ consumer: String) -> String {
        let name = self.plan.definition.name
        return "\(PlanExplanation.quoted("\(name)/\(producer)")) -> \(PlanExplanation.quoted("\(name)/\(consumer)"))"
    }
}

/// One step of a stream for an explanation.
struct StreamStep {
    let name: String
    let summary: String

    /// Beside the way of the records: late ones and alerts.
    var isSide: Bool { self.name == "late" || self.name == "alerts" }

    init(_ name: String, _ summary: String) {
        self.name = name
        self.summary = summary
    }

    var node: JSONNode {
        .object([.init("kind", .string(self.name)), .init("summary", .string(self.summary))])
    }
}

extension StreamDefinition {
    /// As it was written.
    var steps: [StreamStep] {
        let printer = ExpressionPrinter()
        return self.steps(
            decode: self.settings.format.summary,
            time: self.settings.time.map { printer.text($0.lambda) },
            map: printer.text(self.map.lambda),
            columnCount: self.columnCount,
            stages: self.stages,
            reduce: self.reduce
        )
    }

    fileprivate func steps(
        decode: String,
        time: String?,
        map: String,
        columnCount: Int,
        stages: [StreamStage],
        reduce: WindowReduce?
    ) -> [StreamStep] {
        let printer = ExpressionPrinter()
        var steps = [
            StreamStep("source", printer.text(self.input)),
            StreamStep("decode", decode),
            StreamStep("time", time ?? "as the source gives it"),
            StreamStep("watermark", self.settings.watermarkSummary),
            StreamStep("map", map),
        ]
        var shipped = columnCount
        for stage in stages {
            if stage.isKeyed { steps.append(StreamStep("shuffle", "by key, ships records")) }
            steps += stage.steps
            shipped = stage.columnCount
        }
        if let window = self.window, let reduce {
            steps += [
                StreamStep("shuffle", "by key, ships \(Self.columns(shipped))"),
                StreamStep("window", window.summary + self.settings.latenessSummary),
                StreamStep("trigger", self.settings.trigger.summary),
                StreamStep("reduce", reduce.summary),
            ]
        }
        steps += [
            StreamStep("format", self.settings.sinkFormat.summary),
            StreamStep("sink", self.output.map(printer.text) ?? "(stdout)"),
        ]
        if let late = self.settings.late { steps.append(StreamStep("late", printer.text(late))) }
        if let alerts = self.settings.alerts { steps.append(StreamStep("alerts", printer.text(alerts))) }
        return steps
    }

    private static func columns(_ count: Int) -> String {
        switch count {
        case 0: "no values"
        case 1: "one value"
        default: "\(count) values"
        }
    }
}

extension StreamPlan {
    /// As it runs.
    var steps: [StreamStep] {
        let printer = ExpressionPrinter()
        return self.definition.steps(
            decode: self.decode.summary,
            time: self.time.map { printer.text(($0.overFields ?? $0.whole).lambda) },
            map: printer.text(self.map.closure.lambda),
            columnCount: self.columnCount,
            stages: self.stages,
            reduce: self.reduce
        )
    }
}

extension StreamStage {
    /// Itself, and what its records come to.
    fileprivate var steps: [StreamStep] {
        let printer = ExpressionPrinter()
        let map = StreamStep("map", printer.text(self.map.lambda))
        switch self.operation {
        case .pass: return [StreamStep("pass", self.isKeyed ? self.shape : "in the subtask that read it"), map]
        case .deduplicate(let within):
            return [StreamStep("deduplicate", "\(self.shape), within \(TimeSpan.text(of: within))"), map]
        case .join(let join):
            return [StreamStep("join", "\(self.shape), \(printer.text(join.function.lambda))"), map]
        case .process(let functions):
            let life = functions.timeToLive.map { ", state kept \(TimeSpan.text(of: $0))" } ?? ""
            let timer = functions.onTimer.map { ", on timer \(printer.text($0.lambda))" } ?? ""
            let summary = "\(self.shape)\(life), on event \(printer.text(functions.onEvent.lambda))\(timer)"
            return [StreamStep("process", summary), map]
        }
    }
}

extension StreamDefinition.Settings {
    fileprivate var watermarkSummary: String {
        let bound = self.outOfOrdernessBound.map { "\(TimeSpan.text(of: $0)) behind the newest event time" }
        let drift = self.driftLimit.map { ", splits wait that are \(TimeSpan.text(of: $0)) ahead" } ?? ""
        return "\(bound ?? "as far behind as the source is known for"), idle after \(TimeSpan.text(of: self.idleAfter))"
            + drift
    }

    fileprivate var latenessSummary: String {
        self.allowedLateness == 0 ? "" : ", kept \(TimeSpan.text(of: self.allowedLateness)) for late records"
    }
}

extension WindowSpecification {
    /// What it is, in a few words.
    var summary: String {
        switch self {
        case .tumbling(let size, let offset):
            "tumbling, \(TimeSpan.text(of: size))" + (offset == 0 ? "" : ", moved by \(TimeSpan.text(of: offset))")
        case .sliding(let size, let slide):
            "sliding, \(TimeSpan.text(of: size)), one every \(TimeSpan.text(of: slide))"
        case .session(let gap): "session, ended by \(TimeSpan.text(of: gap)) without a record"
        case .count(let count, let slide): "count, the newest \(count), one every \(slide)"
        case .global: "global"
        }
    }
}

extension TriggerSpecification {
    fileprivate var summary: String {
        var parts: [String] = []
        if let span = self.earlyMilliseconds { parts.append("every \(TimeSpan.text(of: span)) before the end") }
        if let count = self.earlyCount { parts.append("every \(count) records before the end") }
        parts.append("at the end")
        parts.append(self.firesOnEachLateRecord ? "at each late record" : "for late records together")
        return parts.joined(separator: ", ")
    }
}

extension WindowReduce {
    fileprivate var summary: String {
        let printer = ExpressionPrinter()
        switch self {
        case .general(let closure): return "\(printer.text(closure.lambda)) over its values"
        case .aggregates(let aggregates, let result):
            let texts = aggregates.map(\.summary).joined(separator: ", ")
            return "\(printer.text(result.lambda)) over \(texts)"
        }
    }
}

extension WindowAggregate {
    fileprivate var summary: String {
        self.function.name + (self.column.map { " of value \($0)" } ?? "")
    }
}

extension WindowAggregate.Function {
    /// As a processor writes it.
    var name: String {
        switch self {
        case .count: "count"
        case .countDistinct: "count-distinct"
        case .countDistinctApproximate: "count-distinct-approx"
        case .sum: "sum"
        case .min: "min"
        case .max: "max"
        case .mean: "mean"
        case .first: "first"
        case .last: "last"
        case .collect: "collect"
        case .top(let count): "top \(count)"
        case .quantile(let fraction): "quantile \(fraction)"
        }
    }
}
