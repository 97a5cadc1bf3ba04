import FluentSyntax

extension StreamPlan {
    /// Whether a function of its records asks for anything beside them: tables, side outputs, the message, its source.
    package var usesSurroundings: Bool {
        self.map.whole.closure.usesSurroundings([]) || self.time?.whole.usesSurroundings([]) ?? false
    }
}

extension Closure {
    /// Whether it does so itself, or a function that it knows; `seen` are functions that are being looked into.
    fileprivate func usesSurroundings(_ seen: Set<SourceRange>) -> Bool {
        let inner = seen.union([self.lambda.range])
        let isUser = self.lambda.body.containsAny { expression in
            switch expression.kind {
            case .builtin(let builtin, _): builtin.isAboutRecord
            case .constant(let constant): constant.usesSurroundings(inner)
            default: false
            }
        }
        if isUser { return true }
        return (self.captured + Array(self.globals.values)).contains { $0.usesSurroundings(inner) }
    }
}

extension Constant {
    fileprivate func usesSurroundings(_ seen: Set<SourceRange>) -> Bool {
        if case .builtin(let builtin) = self { return builtin.isAboutRecord }
        return self.closures.contains { !seen.contains($0.lambda.range) && $0.usesSurroundings(seen) }
    }
}

extension Builtin {
    fileprivate var isAboutRecord: Bool {
        switch self {
        case .lookup, .emitTo, .messageKey, .messageHeader, .messageTopic, .messagePartition, .messageOffset,
            .sourceName:
            true
        default: false
        }
    }
}
