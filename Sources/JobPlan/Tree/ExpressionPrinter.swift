import FluentSyntax

/// Writes expressions as a program would, on one line: for plans, and to compare trees.
struct ExpressionPrinter {
    /// Whether variables appear under their ids, which tell apart what has one name.
    var showsIDs = false

    func text(_ lambda: Lambda) -> String {
        "(lambda (\(lambda.parameters.map(self.text).joined(separator: " "))) \(self.text(lambda.body)))"
    }

    func text(_ expression: Expression) -> String {
        switch expression.kind {
        case .constant(let constant): self.text(constant)
        case .variable(let variable): self.text(variable)
        case .global(let name): name
        case .let(let bindings, let body):
            self.form("let", bindings.map { "(\(self.text($0.variable)) \(self.text($0.value)))" }, body)
        case .letrec(let bindings, let body):
            self.form("letrec", bindings.map { "(\(self.text($0.variable)) \(self.text($0.lambda)))" }, body)
        case .if(let condition, let then, let otherwise):
            otherwise.constant == .nil
                ? self.form("when", [condition, then]) : self.form("if", [condition, then, otherwise])
        case .and(let terms): self.form("and", terms)
        case .or(let terms): self.form("or", terms)
        case .sequence(let forms): self.form("do", forms)
        case .lambda(let lambda): self.text(lambda)
        case .call(let function, let arguments): self.form(self.text(function), arguments)
        case .builtin(let builtin, let arguments): self.form(builtin.name, arguments)
        case .list(let elements): "[\(elements.map(self.text).joined(separator: " "))]"
        case .map(let entries):
            "{\(entries.map { "\(self.text($0.key)) \(self.text($0.value))" }.joined(separator: " "))}"
        case .forEach(let variable, let sequence, let body, _):
            "(for (\(self.text(variable)) \(self.text(sequence))) \(self.text(body)))"
        case .match(let subject, let clauses):
            self.form("match", [subject], clauses.map { "(\(self.text($0.pattern)) \(self.text($0.body)))" })
        case .attempt(let body, let handler, let cleanup):
            self.form(
                "try",
                [body],
                (handler.map { ["(catch \(self.text($0.variable)) \(self.text($0.body)))"] } ?? [])
                    + (cleanup.map { ["(finally \(self.text($0)))"] } ?? [])
            )
        case .connector(let name, let arguments, let options):
            self.form(
                name,
                arguments,
                options.map { ":\($0.name) \(Secret.isSecret($0.name) ? Secret.mask : self.text($0.value))" }
            )
        case .define(let name, let value): "(define \(name) \(self.text(value)))"
        case .defineJob(let form): "(\(form.kind.rawValue) \(form.name) …)"
        }
    }

    private func form(_ head: String, _ arguments: [Expression], _ rest: [String] = []) -> String {
        "(\(([head] + arguments.map(self.text) + rest).joined(separator: " ")))"
    }

    private func form(_ head: String, _ bindings: [String], _ body: Expression) -> String {
        "(\(head) (\(bindings.joined(separator: " "))) \(self.text(body)))"
    }

    private func text(_ variable: Variable) -> String {
        self.showsIDs ? "#\(variable.id)" : variable.name
    }

    private func text(_ pattern: Pattern) -> String {
        switch pattern {
        case .any: "_"
        case .binding(let variable): self.text(variable)
        case .constant(let constant): self.text(constant)
        case .list(let patterns): "[\(patterns.map(self.text).joined(separator: " "))]"
        case .message(let head, let patterns): "(\(([head] + patterns.map(self.text)).joined(separator: " ")))"
        case .map(let entries):
            "{\(entries.map { "\(self.text($0.key)) \(self.text($0.pattern))" }.joined(separator: " "))}"
        case .guarded(let inner, let condition): "(when \(self.text(inner)) \(self.text(condition)))"
        }
    }
}

extension ExpressionPrinter {
    func text(_ constant: Constant) -> String {
        switch constant {
        case .nil: "nil"
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .float(let value): FloatText.text(of: value)
        case .string(let bytes): Self.quoted(String(decoding: bytes, as: UTF8.self))
        case .symbol(let name): "'\(name)"
        case .keyword(let name): ":\(name)"
        case .regex(let source):
            "#\"\(Self.escapingQuotes(source).escapingControls(letter: "x"))\""
        case .list(let elements): "[\(elements.map(self.text).joined(separator: " "))]"
        case .map(let entries):
            "{\(entries.map { "\(self.text($0.key)) \(self.text(masking: $0))" }.joined(separator: " "))}"
        case .set(let elements): "(set [\(elements.map(self.text).joined(separator: " "))])"
        case .builtin(let builtin): builtin.name
        case .function(let closure): closure.lambda.name.isEmpty ? self.text(closure.lambda) : closure.lambda.name
        case .connector(let call): self.text(call)
        }
    }

    func text(_ call: ConnectorCall) -> String {
        let options = call.options.map { option in
            ":\(option.name) \(Secret.isSecret(option.name) ? Secret.mask : self.text(option.value))"
        }
        let arguments = call.arguments.map { Secret.withoutCredentials(self.text($0)) }
        return "(\(([call.name] + arguments + options).joined(separator: " ")))"
    }

    private func text(masking entry: ConstantEntry) -> String {
        if let key = entry.key.optionText, Secret.isSecret(key) { return Secret.mask }
        return self.text(entry.value)
    }

    private static func escapingQuotes(_ text: String) -> String {
        text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"")
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\0": result += "\\0"
            case _ where scalar.isControl: result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension Constant {
    /// The value as a program would write it.
    package var sourceText: String { ExpressionPrinter().text(self) }
}
