import FluentSyntax

extension Builtin {
    /// Whether calls differ from each other, or are seen from outside.
    ///
    /// Failing isn't an effect. A function that is handed to a builtin is judged where it is written.
    var hasEffects: Bool {
        switch self {
        case .now, .uuid, .println, .logInfo, .logWarn, .logError, .alert, .emit, .windowStart, .windowEnd,
            .pane, .state, .setState, .setTimer, .groupKey, .lookup, .emitTo, .messageKey, .messageHeader,
            .messageTopic, .messagePartition, .messageOffset, .sourceName, .param, .submitJob, .await,
            .jobWaitCompletion, .jobGetResults, .jobStatus, .jobCancel, .jobID:
            true
        default:
            false
        }
    }
}

extension Expression {
    /// Whether evaluating it can do anything but return a value, fail, or not end.
    ///
    /// Calls of unknown functions count, and so does everything that happens inside of its lambdas.
    var hasEffects: Bool {
        self.containsAny { expression in
            switch expression.kind {
            case .builtin(let builtin, _): builtin.hasEffects
            case .constant(.builtin(let builtin)): builtin.hasEffects
            case .call(let function, _): !function.isPureFunction
            case .global, .define, .defineJob, .connector: true
            case .constant(.function): true
            default: false
            }
        }
    }

    /// Whether it is a function whose body is visible, so that effects are seen there, or a keyword.
    private var isPureFunction: Bool {
        switch self.kind {
        case .lambda, .constant(.keyword): true
        case .constant(.builtin(let builtin)): !builtin.hasEffects
        default: false
        }
    }
}
