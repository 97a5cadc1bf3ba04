import CoreTypes
import FluentSyntax

extension PlanExplanation {
    /// The job graph for Graphviz: a box for each stage, a node for each operator.
    package var dot: String {
        var lines = ["digraph \(Self.quoted(self.job.definition.name)) {", "  rankdir=LR;", "  node [shape=box];"]
        for stage in self.job.graph.stages {
            let label = "stage \(stage.index.rawValue) × \(stage.parallelism)"
            lines += ["  subgraph cluster_\(stage.index.rawValue) {", "    label=\(Self.quoted(label));"]
            for planned in stage.operators {
                let text = "\(planned.kind.name)\n\(planned.kind.summary)"
                lines.append("    \(Self.quoted(planned.id.rawValue)) [label=\(Self.quoted(text))];")
            }
            lines.append("  }")
        }
        let operators = self.job.graph.stages.flatMap(\.operators)
        for (producer, consumer) in zip(operators, operators.dropFirst()) {
            let style = if case .shuffle = producer.kind { " [style=bold, label=\"hash\"]" } else { "" }
            lines.append("  \(Self.quoted(producer.id.rawValue)) -> \(Self.quoted(consumer.id.rawValue))\(style);")
        }
        for rewrite in self.job.optimised.rewrites where rewrite.name == .combiner {
            lines += ["  label=\(Self.quoted(rewrite.reason));", "  labelloc=b;"]
        }
        return (lines + ["}"]).joined(separator: "\n") + "\n"
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            // Graphviz would take one backslash for an escape of its own.
            case _ where scalar.isControl: result += "\\\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
