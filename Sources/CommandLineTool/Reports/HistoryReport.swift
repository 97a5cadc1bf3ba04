import Linearizability

/// What `weir history` says.
struct HistoryReport {
    let verdict: LinearizabilityVerdict
    let operationCount: Int

    /// The JSON texts that the operations' numbers stand for.
    let keys: [String]
    let values: [String]
    let processes: [String]

    var status: CommandStatus {
        switch self.verdict {
        case .linearizable: .done
        case .notLinearizable: .failed
        case .unknown: .undecided
        }
    }

    func text(stepLimit: Int) -> String {
        let size = "\(self.count(self.operationCount, "operation")) on \(self.count(self.keys.count, "key"))"
        switch self.verdict {
        case .linearizable: return "linearizable: \(size)"
        case .unknown:
            return "unknown: \(size); the search of a key was given up after \(stepLimit) steps (--steps allows more)"
        case .notLinearizable(let part):
            let key = part.first.map { self.keys[$0.key] } ?? "?"
            let lines = part.map { "  " + self.line(of: $0) }
            return (["not linearizable: \(size); of key \(key) no order explains these \(part.count)"] + lines)
                .joined(separator: "\n")
        }
    }

    var json: JSONValue {
        var fields: [JSONValue.Member] = [
            .init("verdict", .string(self.name)), .init("operations", .integer(Int64(self.operationCount))),
            .init("keys", .integer(Int64(self.keys.count))),
        ]
        if case .notLinearizable(let part) = self.verdict {
            fields.append(.init("part", .array(part.map { self.json(of: $0) })))
        }
        return .object(fields)
    }

    private var name: String {
        switch self.verdict {
        case .linearizable: "linearizable"
        case .notLinearizable: "not-linearizable"
        case .unknown: "unknown"
        }
    }

    private func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }

    private func line(of operation: HistoryOperation) -> String {
        let what =
            switch operation.action {
            case .read(let value): "reads \(value.map { self.values[Int($0)] } ?? "?")"
            case .write(let value): "writes \(self.values[Int(value)])"
            case .compareAndSet(let expected, let new, let isDone):
                "sets \(self.values[Int(new)]) for \(self.values[Int(expected)])\(isDone == nil ? ", perhaps" : "")"
            }
        let end = operation.returnedAt.map { "to \($0)" } ?? "on, without an answer"
        return "lines \(operation.invokedAt) \(end): process \(self.processes[operation.client]) \(what)"
    }

    private func json(of operation: HistoryOperation) -> JSONValue {
        let value: String =
            switch operation.action {
            case .read(let value): self.values[Int(value ?? 0)]
            case .write(let value): self.values[Int(value)]
            case .compareAndSet(let expected, let new, _): "[\(self.values[Int(expected)]),\(self.values[Int(new)])]"
            }
        return .object([
            .init("process", .encoded(self.processes[operation.client])), .init("f", .string(operation.action.name)),
            .init("key", .encoded(self.keys[operation.key])), .init("value", .encoded(value)),
            .init("invoked", .integer(operation.invokedAt)),
            .init("returned", operation.returnedAt.map { .integer($0) } ?? .null),
        ])
    }
}
