/// Tells values that can't be emitted, functions and regular expressions, as far as the text of a program shows them.
struct EmittableValues {
    struct Problem {
        /// What was found: `this is a function`, `parse holds a function`.
        let text: String
        let help: String
        let range: SourceRange
    }

    /// What makes a value one that can't be emitted.
    private enum Kind {
        case function
        case regex

        var word: String {
            switch self {
            case .function: TypeName.function
            case .regex: "a regular expression"
            }
        }

        var help: String {
            switch self {
            case .function: "call it, and emit its value"
            case .regex: "emit the text that it matches, or that it is written as"
            }
        }
    }

    private struct Finding {
        let kind: Kind
        /// It is an element of the value that was looked into.
        var isNested = false
        /// It is an element of what the name holds.
        var isInside = false
        /// Of the global or local that holds it.
        var name: String?
        let range: SourceRange
    }

    private var globals: [String: Finding] = [:]
    private var locals: [Int: Finding] = [:]

    init(_ forms: [Expression]) {
        for form in forms {
            guard case .define(let name, let value) = form.kind else { continue }
            self.globals[name] = self.find(in: value)
        }
    }

    /// Takes down what a local is bound to.
    mutating func note(_ binding: Binding) {
        self.locals[binding.variable.id] = self.find(in: binding.value)
    }

    mutating func note(_ function: FunctionBinding) {
        self.locals[function.variable.id] = Finding(kind: .function, range: function.lambda.range)
    }

    /// What is wrong with emitting a value; nil if nothing is, or nothing can be known.
    func problem(with value: Expression) -> Problem? {
        guard let finding = self.find(in: value) else { return nil }
        let subject = finding.name ?? "this"
        let verb = finding.isInside ? "holds" : "is"
        return Problem(
            text: "\(subject) \(verb) \(finding.kind.word)",
            help: finding.kind.help,
            range: finding.range
        )
    }

    private func find(in value: Expression) -> Finding? {
        switch value.kind {
        case .lambda: Finding(kind: .function, range: value.range)
        case .constant(let constant): Self.find(in: constant, at: value.range)
        case .global(let name): Self.named(name, self.globals[name], at: value.range)
        case .variable(let variable): Self.named(variable.name, self.locals[variable.id], at: value.range)
        case .list(let elements): self.find(inside: elements)
        case .map(let entries): self.find(inside: entries.flatMap { [$0.key, $0.value] })
        case .let(_, let body), .letrec(_, let body): self.find(in: body)
        case .sequence(let parts): parts.last.flatMap { self.find(in: $0) }
        case .if(_, let then, let otherwise): self.find(in: then) ?? self.find(in: otherwise)
        default: nil
        }
    }

    private func find(inside elements: [Expression]) -> Finding? {
        for element in elements {
            guard var found = self.find(in: element) else { continue }
            found.isNested = true
            return found
        }
        return nil
    }

    private static func find(in constant: Constant, at range: SourceRange) -> Finding? {
        switch constant {
        case .builtin(let builtin): return Finding(kind: .function, name: builtin.name, range: range)
        case .function: return Finding(kind: .function, range: range)
        case .regex: return Finding(kind: .regex, range: range)
        case .list(let elements), .set(let elements):
            return self.find(inside: elements, at: range)
        case .map(let entries): return self.find(inside: entries.flatMap { [$0.key, $0.value] }, at: range)
        case .nil, .boolean, .integer, .float, .string, .symbol, .keyword, .connector: return nil
        }
    }

    private static func find(inside elements: [Constant], at range: SourceRange) -> Finding? {
        for element in elements {
            guard var found = self.find(in: element, at: range) else { continue }
            found.isNested = true
            return found
        }
        return nil
    }

    private static func named(_ name: String, _ finding: Finding?, at range: SourceRange) -> Finding? {
        finding.map { Finding(kind: $0.kind, isInside: $0.isInside || $0.isNested, name: name, range: range) }
    }
}
