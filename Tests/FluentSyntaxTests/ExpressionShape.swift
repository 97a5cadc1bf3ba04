import FluentSyntax

extension Expression {
    /// The tree as text: variables as `name#id`, what was resolved marked as such.
    var shape: String {
        switch self.kind {
        case .constant(let constant): constant.shape
        case .variable(let variable): variable.shape
        case .global(let name): "global:\(name)"
        case .let(let bindings, let body):
            "(let [\(bindings.map { "\($0.variable.shape) \($0.value.shape)" }.joined(separator: " "))] \(body.shape))"
        case .letrec(let functions, let body):
            "(letrec [\(functions.map { "\($0.variable.shape) \($0.lambda.shape)" }.joined(separator: " "))] \(body.shape))"
        case .if(let condition, let then, let otherwise): "(if \(condition.shape) \(then.shape) \(otherwise.shape))"
        case .and(let parts): "(and \(parts.shape))"
        case .or(let parts): "(or \(parts.shape))"
        case .sequence(let parts): "(do \(parts.shape))"
        case .lambda(let lambda): lambda.shape
        case .call(let function, let arguments): "(call \(([function] + arguments).shape))"
        case .builtin(let builtin, let arguments):
            "(\(([builtin.name] + arguments.map(\.shape)).joined(separator: " ")))"
        case .list(let elements): "[\(elements.shape)]"
        case .map(let entries): "{\(entries.map { "\($0.key.shape) \($0.value.shape)" }.joined(separator: " "))}"
        case .forEach(let variable, let sequence, let body, let isNested):
            "(for\(isNested ? "*" : "") \(variable.shape) \(sequence.shape) \(body.shape))"
        case .match(let value, let clauses):
            "(match \(value.shape) \(clauses.map { "(\($0.pattern.shape) \($0.body.shape))" }.joined(separator: " ")))"
        case .attempt(let body, let handler, let cleanup):
            "(try \(body.shape)\(handler.map { " (catch \($0.variable.shape) \($0.body.shape))" } ?? "")"
                + "\(cleanup.map { " (finally \($0.shape))" } ?? ""))"
        case .connector(let name, let arguments, let options):
            "<\(([name] + arguments.map(\.shape) + options.map { ":\($0.name) \($0.value.shape)" }).joined(separator: " "))>"
        case .define(let name, let value): "(define \(name) \(value.shape))"
        case .defineJob(let job):
            "(\(job.kind.rawValue) \(job.name) \(job.options.map { ":\($0.name) \($0.value.shape)" }.joined(separator: " ")))"
        }
    }
}

extension [Expression] {
    fileprivate var shape: String { self.map(\.shape).joined(separator: " ") }
}

extension Variable {
    fileprivate var shape: String { "\(self.name)#\(self.id)" }
}

extension Lambda {
    fileprivate var shape: String {
        let captured = self.captured.isEmpty ? "" : " ^" + self.captured.map(\.shape).joined(separator: ",")
        let name = self.name.isEmpty ? "" : ":" + self.name
        return "(fn\(name) [\(self.parameters.map(\.shape).joined(separator: " "))]\(captured) \(self.body.shape))"
    }
}

extension Constant {
    fileprivate var shape: String {
        switch self {
        case .nil: "nil"
        case .boolean(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .float(let value): "\(value)"
        case .string(let text): "\"\(String(decoding: text, as: UTF8.self))\""
        case .symbol(let name): "'\(name)"
        case .keyword(let name): ":\(name)"
        case .regex(let text): "#\"\(text)\""
        case .list(let elements): "'[\(elements.map(\.shape).joined(separator: " "))]"
        case .map(let entries): "'{\(entries.map { "\($0.key.shape) \($0.value.shape)" }.joined(separator: " "))}"
        case .set(let elements): "'#{\(elements.map(\.shape).joined(separator: " "))}"
        case .builtin(let builtin): "builtin:\(builtin.name)"
        case .function: "function"
        case .connector(let call): "<\(call.name)>"
        }
    }
}

extension Pattern {
    fileprivate var shape: String {
        switch self {
        case .any: "_"
        case .binding(let variable): variable.shape
        case .constant(let constant): constant.shape
        case .list(let parts): "[\(parts.map(\.shape).joined(separator: " "))]"
        case .message(let head, let parts): "(\(([head] + parts.map(\.shape)).joined(separator: " ")))"
        case .map(let entries): "{\(entries.map { "\($0.key.shape) \($0.pattern.shape)" }.joined(separator: " "))}"
        case .guarded(let inner, let condition): "(when \(inner.shape) \(condition.shape))"
        }
    }
}
