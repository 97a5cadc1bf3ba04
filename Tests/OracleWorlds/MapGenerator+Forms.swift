import CoreTypes

/// The forms of a map's body, one function for each kind of value.
extension MapGenerator {
    // MARK: Statements

    mutating func statement(_ depth: Int) -> String {
        if self.isForeign() { return self.foreignStatement(depth) }
        guard depth > 0 else { return self.emit(0) }
        switch self.random.next(in: 0..<100) {
        case 0..<38: return self.emit(depth - 1)
        case 38..<48: return "(when \(self.condition(depth - 1)) \(self.statements(depth - 1)))"
        case 48..<54: return "(unless \(self.condition(depth - 1)) \(self.statements(depth - 1)))"
        case 54..<62:
            let condition = self.condition(depth - 1)
            return "(if \(condition) \(self.statement(depth - 1)) \(self.statement(depth - 1)))"
        case 62..<69: return self.cond(depth)
        case 69..<88: return self.binding(depth)
        case 88..<95: return "(do \(self.statement(depth - 1)) \(self.statement(depth - 1)))"
        default: return self.pick(["nil", "1"])
        }
    }

    private mutating func statements(_ depth: Int) -> String {
        (0..<self.pick([1, 1, 1, 2])).map { _ in self.statement(depth) }.joined(separator: " ")
    }

    private mutating func cond(_ depth: Int) -> String {
        var clauses: [String] = []
        for _ in 0..<self.random.next(in: 1..<4) {
            clauses.append("(\(self.condition(depth - 1)) \(self.statement(depth - 1)))")
        }
        if self.random.chance(percent: 60) { clauses.append("(else \(self.statement(depth - 1)))") }
        return "(cond \(clauses.joined(separator: " ")))"
    }

    /// Bindings see those before them; a name may be bound again, or never be used.
    private mutating func binding(_ depth: Int) -> String {
        let outer = self.scope
        var bindings: [String] = []
        for _ in 0..<self.pick([1, 1, 2, 3]) {
            let kind = self.pick([Kind.text, .text, .integer])
            let value = kind == .text ? self.text(depth - 1) : self.integer(depth - 1)
            let names = self.scope.filter { $0.kind == kind && $0.name != "key" }.map(\.name)
            let isRepeated = !names.isEmpty && self.random.chance(percent: 8)
            let name = isRepeated ? self.pick(names) : self.freshName(kind == .text ? "t" : "n")
            bindings.append("(\(name) \(value))")
            self.scope.append(Variable(name: name, kind: kind))
        }
        let body = self.statements(depth - 1)
        self.scope = outer
        return "(let (\(bindings.joined(separator: " "))) \(body))"
    }

    private mutating func emit(_ depth: Int) -> String {
        let key: String
        switch self.random.next(in: 0..<100) {
        case 0..<40: key = self.element
        case 40..<80: key = self.text(depth)
        default: key = self.integer(depth)
        }
        let value: String
        switch self.random.next(in: 0..<100) {
        case 0..<50: value = "1"
        case 50..<62: value = self.integerLiteral()
        case 62..<86: value = self.integer(depth)
        default:
            self.emitted.insert(.text)
            return "(emit \(key) \(self.text(depth)))"
        }
        self.emitted.insert(.integer)
        return "(emit \(key) \(value))"
    }

    private mutating func foreignStatement(_ depth: Int) -> String {
        self.emitted.insert(.integer)
        switch self.random.next(in: 0..<7) {
        case 0: return "(for (x (split \(self.text(depth - 1)) \"\")) (emit x 1))"
        case 1: return "(when (= \(self.text(0)) \"\") (throw \"empty\"))"
        case 2: return "(try (emit (substring \(self.element) 3) 1) (catch e (emit \"short\" 1)))"
        case 3: return "(emit \(self.text(0)) (parse-int \(self.element) 0))"
        case 4: return "(emit (/ \(self.integer(0)) 2) 1)"
        case 5: return "(and \(self.condition(0)) (emit \(self.element) 1))"
        default: return "(match \(self.text(0)) (\"a\" (emit \"an a\" 1)) (x (emit x 1)))"
        }
    }

    // MARK: Texts

    mutating func text(_ depth: Int) -> String {
        if self.isForeign() { return self.foreignText(depth) }
        guard depth > 0 else { return self.textLeaf() }
        switch self.random.next(in: 0..<100) {
        case 0..<30: return self.textLeaf()
        case 30..<44: return self.mayBail ? "(lower \(self.text(depth - 1)))" : self.textLeaf()
        case 44..<56: return self.mayBail ? "(upper \(self.text(depth - 1)))" : self.textLeaf()
        case 56..<66: return "(trim \(self.text(depth - 1)))"
        case 66..<82: return self.mayBail ? self.substring(depth) : "(trim \(self.text(depth - 1)))"
        default:
            let parts = (0..<self.random.next(in: 0..<5)).map { _ in
                self.random.chance(percent: 65) ? self.text(depth - 1) : self.integer(depth - 1)
            }
            return "(str\(parts.map { " " + $0 }.joined()))"
        }
    }

    private mutating func textLeaf() -> String {
        let texts = self.scope.filter { $0.kind == .text }
        switch self.random.next(in: 0..<100) {
        case 0..<30 where !texts.isEmpty: return self.pick(texts).name
        case 0..<85: return self.element
        default: return self.textLiteral()
        }
    }

    private mutating func substring(_ depth: Int) -> String {
        let text = self.text(depth - 1)
        let start = self.pick([0, 0, 0, 1, 1, 2, 3, 15, 16, 17])
        switch self.random.next(in: 0..<100) {
        case 0..<40: return "(substring \(text) \(start))"
        case 40..<94: return "(substring \(text) \(start) \(start + self.pick([0, 1, 1, 1, 2, 3, 14, 15, 16])))"
        case 94..<97: return "(substring \(text) \(start + 1) \(start))"
        default: return "(substring \(text) -1)"
        }
    }

    mutating func textLiteral() -> String {
        let fixed = ["", "a", "ab", "the", "é", "\0", " ", ",", "sixteen-letters!", "fifteen-letters", "A-Z", "\\\"\t"]
        let all = self.literals + fixed
        let text = self.pick(all)
        if self.random.chance(percent: 25), text.unicodeScalars.count > 1 {
            let cut = self.random.next(in: 0..<text.unicodeScalars.count)
            let scalars = text.unicodeScalars
            let part = self.random.chance(percent: 50) ? scalars.prefix(cut) : scalars.suffix(cut)
            return Self.quoted(String(String.UnicodeScalarView(part)))
        }
        return Self.quoted(text)
    }

    private static func quoted(_ text: String) -> String {
        var quoted = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\0": quoted += "\\0"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return "\"\(quoted)\""
    }

    private mutating func foreignText(_ depth: Int) -> String {
        switch self.random.next(in: 0..<5) {
        case 0: return "(replace \(self.textLeaf()) \"a\" \"bb\")"
        case 1: return "(if \(self.condition(depth - 1)) \(self.textLeaf()) \(self.textLeaf()))"
        case 2: return "(join (list \(self.textLeaf()) \(self.textLeaf())) \"-\")"
        case 3: return "(substring \(self.textLeaf()) 0 \(self.integerLeaf()))"
        default: return "(or (re-match #\"[a-z]+\" \(self.textLeaf())) \"none\")"
        }
    }

    // MARK: Integers

    mutating func integer(_ depth: Int) -> String {
        if self.isForeign() { return self.foreignInteger(depth) }
        guard depth > 0 else { return self.integerLeaf() }
        guard self.mayBail else {
            return self.random.chance(percent: 60) ? "(count \(self.text(depth - 1)))" : self.integerLeaf()
        }
        switch self.random.next(in: 0..<100) {
        case 0..<24: return self.integerLeaf()
        case 24..<48: return "(count \(self.text(depth - 1)))"
        case 48..<60: return "(+ \(self.integers(depth)))"
        case 60..<70: return "(- \(self.integers(depth)))"
        case 70..<80: return "(* \(self.integers(depth)))"
        case 80..<88: return "(inc \(self.integer(depth - 1)))"
        case 88..<96: return "(dec \(self.integer(depth - 1)))"
        case 96..<98: return "(- \(self.integer(depth - 1)))"
        default: return "(+ \(self.integer(depth - 1)))"
        }
    }

    private mutating func integers(_ depth: Int) -> String {
        (0..<self.pick([2, 2, 2, 3])).map { _ in self.integer(depth - 1) }.joined(separator: " ")
    }

    mutating func integerLeaf() -> String {
        let integers = self.scope.filter { $0.kind == .integer }
        switch self.random.next(in: 0..<100) {
        case 0..<35 where !integers.isEmpty: return self.pick(integers).name
        case 0..<75: return "(count \(self.textLeaf()))"
        default: return self.integerLiteral()
        }
    }

    private mutating func integerLiteral() -> String {
        self.pick([
            "0", "1", "2", "3", "5", "-1", "10", "100", "16", "-7", "4294967296", "1152921504606846976",
            "4611686018427387904", "9223372036854775807", "-9223372036854775808", "72057594037927936",
        ])
    }

    private mutating func foreignInteger(_ depth: Int) -> String {
        switch self.random.next(in: 0..<6) {
        case 0: return "(quot \(self.integerLeaf()) \(self.integerLeaf()))"
        case 1: return "(inc \(self.integerLeaf()) 3)"
        case 2: return "(abs \(self.integerLeaf()))"
        case 3: return "(if \(self.condition(depth - 1)) \(self.integerLeaf()) \(self.integerLeaf()))"
        case 4: return "(parse-int \(self.textLeaf()) -1)"
        default: return "(max \(self.integerLeaf()) \(self.integerLeaf()))"
        }
    }

    // MARK: Conditions

    mutating func condition(_ depth: Int) -> String {
        if self.isForeign() { return self.foreignCondition(depth) }
        let inner = max(depth - 1, 0)
        let limit = depth > 0 ? 100 : 70
        switch self.random.next(in: 0..<limit) {
        case 0..<18:
            let order = self.pick(["<", "<=", ">", ">=", "=", "not=", "!="])
            return "(\(order) \(self.integer(inner)) \(self.integer(inner)))"
        case 18..<28: return "(\(self.pick(["=", "not="])) \(self.text(inner)) \(self.textLiteral()))"
        case 28..<34: return "(\(self.pick(["=", "not="])) \(self.text(inner)) \(self.text(inner)))"
        case 34..<44: return "(contains? \(self.text(inner)) \(self.textLiteral()))"
        case 44..<54: return "(starts-with? \(self.text(inner)) \(self.textLiteral()))"
        case 54..<61: return "(ends-with? \(self.text(inner)) \(self.textLiteral()))"
        case 61..<68: return "(empty? \(self.text(inner)))"
        case 68..<70: return self.pick(["true", "false"])
        case 70..<78: return "(not \(self.condition(inner)))"
        case 78..<86: return "(and \(self.conditions(inner)))"
        case 86..<94: return "(or \(self.conditions(inner)))"
        default: return "(if \(self.condition(inner)) \(self.condition(inner)) \(self.condition(inner)))"
        }
    }

    private mutating func conditions(_ depth: Int) -> String {
        (0..<self.random.next(in: 1..<4)).map { _ in self.condition(depth) }.joined(separator: " ")
    }

    private mutating func foreignCondition(_ depth: Int) -> String {
        switch self.random.next(in: 0..<9) {
        case 0: return "(re-match #\"a.*b\" \(self.textLeaf()))"
        case 1: return "(nil? \(self.textLeaf()))"
        case 2: return "(string? \(self.textLeaf()))"
        case 3: return self.textLeaf()
        case 4: return "(= \(self.textLeaf()) \(self.integerLeaf()))"
        case 5: return self.pick(["(and)", "(or)"])
        case 6: return "(< \(self.integerLeaf()) \(self.integerLeaf()) 20)"
        case 7: return "(> \(self.textLeaf()) \"m\")"
        default: return "(< \(self.integerLeaf()) 2.5)"
        }
    }
}
