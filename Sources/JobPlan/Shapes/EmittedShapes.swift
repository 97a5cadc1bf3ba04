import FluentSyntax

/// What a job's map emits, as far as its program tells before anything runs.
package struct EmittedShapes: Sendable {
    /// One of what is emitted as key anywhere; unknown where nothing can be told.
    package let key: ValueShape
    package let value: ValueShape

    package init(key: ValueShape, value: ValueShape) {
        self.key = key
        self.value = value
    }

    /// Looks at every `emit` of the map; in text a record is a string.
    package init(_ map: MapFunction, format: RecordFormat) {
        let closure = map.whole.closure
        var collector = EmissionCollector()
        if format == .text, let record = closure.lambda.parameters.last { collector.shapes[record] = .string }
        if map.whole.takesKey { collector.shapes[closure.lambda.parameters[0]] = .integer }
        collector.visit(closure.lambda.body)
        let helpers = closure.lambda.body.globalNames.isEmpty ? [] : closure.globals.values.flatMap(\.closures)
        let isHidden = (closure.captured.flatMap(\.closures) + helpers).contains { $0.lambda.body.emits }
        if isHidden || collector.keys.isEmpty {
            collector.keys.append(.unknown)
            collector.values.append(.unknown)
        }
        self.key = .any(of: collector.keys)
        self.value = .any(of: collector.values)
    }
}

/// Walks through a map with what is known about its variables.
private struct EmissionCollector {
    var shapes: [Variable: ValueShape] = [:]
    var keys: [ValueShape] = []
    var values: [ValueShape] = []

    mutating func visit(_ expression: Expression) {
        switch expression.kind {
        case .builtin(.emit, let arguments) where arguments.count == 2:
            self.keys.append(self.shape(of: arguments[0]))
            self.values.append(self.shape(of: arguments[1]))
        case .let(let bindings, let body):
            for binding in bindings {
                self.visit(binding.value)
                self.shapes[binding.variable] = self.shape(of: binding.value)
            }
            self.visit(body)
        case .forEach(let variable, let sequence, let body, _):
            self.visit(sequence)
            self.shapes[variable] = self.shape(of: sequence).element
            self.visit(body)
        default:
            var found = self
            expression.forEachChild { found.visit($0) }
            self = found
        }
    }

    /// The shape of what an expression evaluates to, if it doesn't fail.
    func shape(of expression: Expression) -> ValueShape {
        switch expression.kind {
        case .constant(let constant): constant.closures.isEmpty ? .constant(constant) : .unknown
        case .variable(let variable): self.shapes[variable] ?? .unknown
        case .let(let bindings, let body):
            self.shape(of: body, after: bindings)
        case .if(_, let then, let otherwise): .any(of: [self.shape(of: then), self.shape(of: otherwise)])
        case .sequence(let forms): forms.last.map { self.shape(of: $0) } ?? .unknown
        case .list(let elements): .tuple(elements.map { self.shape(of: $0) })
        case .map(let entries): self.shape(of: entries)
        case .builtin(let builtin, let arguments): self.shape(of: builtin, arguments.map { self.shape(of: $0) })
        default: .unknown
        }
    }

    private func shape(of body: Expression, after bindings: [Binding]) -> ValueShape {
        var inner = self
        for binding in bindings { inner.shapes[binding.variable] = inner.shape(of: binding.value) }
        return inner.shape(of: body)
    }

    private func shape(of entries: [MapEntry]) -> ValueShape {
        var found: [ValueShape.Entry] = []
        for entry in entries {
            guard let key = entry.key.constant else { return .unknown }
            found.append(ValueShape.Entry(key, self.shape(of: entry.value)))
        }
        return .map(found)
    }

    private func shape(of builtin: Builtin, _ arguments: [ValueShape]) -> ValueShape {
        switch builtin {
        case .count, .parseInt, .quotient, .remainder, .modulo, .hash, .now, .countDistinct: .integer
        case .parseFloat, .squareRoot: .float
        case .add, .subtract, .multiply, .increment, .decrement, .absolute:
            arguments.allSatisfy(\.isInteger) ? .integer : arguments.contains(.float) ? .float : .number
        case .divide, .floor, .ceiling, .round, .power, .sum, .mean: .number
        case .str, .lower, .upper, .trim, .replace, .join, .substring, .format, .toJSON, .formatTime, .name: .string
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .not, .isNil, .isEmpty, .contains,
            .startsWith, .endsWith, .any, .all:
            .boolean
        case .split: .list(.string)
        case .list: .tuple(arguments)
        case .range: .list(.integer)
        case .first, .last, .nth: arguments.count <= 2 ? arguments.first?.element ?? .unknown : .unknown
        case .rest, .reverse, .sort, .distinct: arguments.first.map { .list($0.element) } ?? .unknown
        case .take, .drop, .filter: arguments.last.map { .list($0.element) } ?? .unknown
        default: .unknown
        }
    }
}

extension ValueShape {
    /// What the elements of a sequence of this shape are.
    fileprivate var element: ValueShape {
        switch self {
        case .list(let element): element
        case .tuple(let shapes): shapes.isEmpty ? .unknown : .any(of: shapes)
        case .constant(.list(let elements)): elements.isEmpty ? .unknown : .any(of: elements.map { .constant($0) })
        case .constant, .integer, .float, .number, .string, .boolean, .map, .anyOf, .unknown: .unknown
        }
    }

    fileprivate var isInteger: Bool {
        if case .constant(.integer) = self { return true }
        return self == .integer
    }
}

extension Expression {
    fileprivate var emits: Bool {
        self.containsAny { if case .builtin(.emit, _) = $0.kind { true } else { false } }
    }
}
