import CoreTypes

/// Makes programs that mostly work: the same one from the same seed.
///
/// Forms come from ``GrammarTemplate``s, chosen at random for the type that is wanted; now and then a wrong type is put
/// in, so that errors are generated too.
package struct ProgramGenerator {
    /// A name in scope and the type of its value.
    private struct Variable {
        let name: String
        let type: GrammarType
    }

    private static let wrongTypePermille = 8
    private static let variablePercent = 45

    private var random: SplitMix64
    private var scope: [Variable] = []
    private var freshCount = 0
    private var mayEmit = false
    private let seed: UInt64

    package static func program(seed: UInt64) -> GeneratedProgram {
        var generator = ProgramGenerator(seed: seed)
        return generator.program()
    }

    private init(seed: UInt64) {
        self.seed = seed
        self.random = SplitMix64(seed: seed)
    }

    private mutating func program() -> GeneratedProgram {
        var forms: [String] = []
        if self.random.chance(percent: 30) { forms.append(self.helperDefinition()) }
        let depth = self.random.next(in: 2..<6)
        guard self.random.chance(percent: 60) else {
            forms.append(self.form(.any, depth: depth))
            return GeneratedProgram(seed: self.seed, kind: .expression, text: forms.joined(separator: "\n"), lines: [])
        }
        self.mayEmit = true
        self.scope += [Variable(name: "key", type: .integer), Variable(name: "line", type: .string)]
        let body = (0..<self.random.next(in: 1..<3)).map { _ in self.form(.statement, depth: depth) }
        let lambda = "(lambda (key line)\n    \(body.joined(separator: "\n    ")))"
        forms.append(
            "(define-mapreduce job :input (distributed-files \"in\") :output (stdout)\n  :map \(lambda))"
        )
        let lines = (0..<self.random.next(in: 1..<5)).map { _ in LineGenerator.line(&self.random) }
        return GeneratedProgram(
            seed: self.seed,
            kind: .mapLambda,
            text: forms.joined(separator: "\n"),
            lines: lines
        )
    }

    /// A function of two integers at the top level, and a global constant.
    private mutating func helperDefinition() -> String {
        self.scope = [Variable(name: "a", type: .integer), Variable(name: "b", type: .integer)]
        let body = self.form(.integer, depth: 3)
        self.scope = [
            Variable(name: "(helper 3 4)", type: .integer),
            Variable(name: "(helper (count \"größe\") 1)", type: .integer),
            Variable(name: "limit", type: .integer),
            Variable(name: "helper", type: .binaryFunction),
        ]
        return "(define limit \(self.random.next(in: 0..<9)))\n(define (helper a b) \(body))"
    }

    private mutating func form(_ wanted: GrammarType, depth: Int) -> String {
        var type = wanted
        if self.random.next(in: 0..<1_000) < Self.wrongTypePermille, wanted != .statement {
            type = self.pick(GrammarType.values)
        }
        if type == .any { type = self.pick(GrammarType.values) }
        if type == .statement, !self.mayEmit { type = .integer }
        let variables = self.scope.filter { $0.type == type }
        if !variables.isEmpty, self.random.chance(percent: Self.variablePercent) { return self.pick(variables).name }
        let templates = depth <= 0 ? Grammar.leaves(of: type) : Grammar.templates(of: type)
        return self.expand(self.pick(templates), depth: depth - 1)
    }

    private mutating func expand(_ template: GrammarTemplate, depth: Int) -> String {
        self.freshCount += 1
        let suffix = String(self.freshCount)
        var text = ""
        for part in template.parts {
            switch part {
            case .text(let literal): text += literal
            case .name(let name): text += name + suffix
            case .hole(let type, let bindings):
                let outer = self.scope
                self.scope += bindings.map { Variable(name: $0.name + suffix, type: $0.type) }
                text += self.form(type, depth: depth)
                self.scope = outer
            }
        }
        return text
    }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[self.random.next(in: 0..<elements.count)]
    }
}
