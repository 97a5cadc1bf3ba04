internal import FluentSyntax
internal import JobPlan

/// Text computed for each row of a batch.
indirect enum KernelText: Sendable {
    /// The piece or line that the row is.
    case element
    case bound(Int)
    case constant([UInt8])
    case lower(KernelText)
    case upper(KernelText)
    case trim(KernelText)
    /// Scalars from `start` up to `end`, or to the text's end.
    case substring(KernelText, start: Int, end: Int?)
    /// The parts one behind the other, numbers in decimal.
    case concatenation([KernelScalar])
}

/// A 64-bit integer for each row.
indirect enum KernelInteger: Sendable {
    case constant(Int64)
    case bound(Int)
    /// Scalars of a text.
    case count(KernelText)
    case sum(KernelInteger, KernelInteger)
    case difference(KernelInteger, KernelInteger)
    case product(KernelInteger, KernelInteger)
}

/// Whether a row goes on.
indirect enum KernelCondition: Sendable {
    enum Order: Sendable {
        case less
        case lessOrEqual
        case equal
        case notEqual
    }

    case compare(KernelInteger, Order, KernelInteger)
    case equal(KernelText, KernelText)
    case contains(KernelText, [UInt8])
    case starts(KernelText, [UInt8])
    case ends(KernelText, [UInt8])
    case isEmpty(KernelText)
    case not(KernelCondition)
    case all([KernelCondition])
    case any([KernelCondition])
}

enum KernelScalar: Sendable {
    case text(KernelText)
    case integer(KernelInteger)
}

/// What is done for each row.
indirect enum KernelEffect: Sendable {
    case emit(key: KernelScalar, value: KernelScalar)
    case choose(KernelCondition, then: [KernelEffect], else: [KernelEffect])
    /// Computes a value once for all effects in it.
    case bind(Int, KernelScalar, [KernelEffect])
}

/// A map as steps over batches of rows; kernels are per operation and compose.
struct KernelPlan: Sendable {
    /// How a block is cut into rows.
    let shape: SplitShape
    let effects: [KernelEffect]

    /// Values bound by ``KernelEffect/bind``.
    let boundCount: Int

    /// Whether a row may turn out to need the machine: text beyond ASCII, an overflow, an index outside.
    let canBail: Bool

    /// Whether it may even where the block is ASCII.
    let canBailInASCII: Bool

    /// - Returns: Nil where the map does something that has no kernel.
    init?(_ map: MapFunction, decode: DecodeStep) {
        guard decode.format == .text, let rows = KernelRows(map, decode: decode) else { return nil }
        // Pieces between runs of separators aren't empty.
        let hasContent = rows.shape.emptyPieces == .dropped
        var compiler = KernelCompiler(element: rows.element, elementCountMinimum: hasContent ? 1 : 0)
        guard let effects = compiler.effects(rows.body) else { return nil }
        self.shape = rows.shape
        self.effects = effects
        self.boundCount = compiler.boundCount
        self.canBail = compiler.canBail
        self.canBailInASCII = compiler.canBailInASCII
    }

    /// How many `emit`s are written in it.
    var emitCount: Int { self.effects.reduce(0) { $0 + $1.emitCount } }

    /// The constant that is emitted for every row as it is, in the simplest of plans.
    var plainValue: Int64? {
        guard self.effects.count == 1, case .emit(.text(.element), .integer(.constant(let value))) = self.effects[0]
        else { return nil }
        return value
    }
}

extension KernelText {
    /// Whether the text lies in the block, and so is ASCII where the block is.
    fileprivate var isOfBlock: Bool {
        switch self {
        case .element: true
        case .lower(let inner), .upper(let inner), .trim(let inner), .substring(let inner, _, _): inner.isOfBlock
        case .bound, .constant, .concatenation: false
        }
    }
}

extension KernelEffect {
    fileprivate var emitCount: Int {
        switch self {
        case .emit: 1
        case .choose(_, let then, let otherwise): (then + otherwise).reduce(0) { $0 + $1.emitCount }
        case .bind(_, _, let inner): inner.reduce(0) { $0 + $1.emitCount }
        }
    }
}

/// What the rows of a block are: pieces of lines, or lines.
private struct KernelRows {
    let shape: SplitShape
    let element: Variable
    let body: Expression

    init?(_ map: MapFunction, decode: DecodeStep) {
        let lambda = map.whole.closure.lambda
        if case .elided(let elided) = decode.lines {
            guard let shape = SplitShape(elided.separator), case .forEach(_, _, let body, _) = lambda.body.kind else {
                return nil
            }
            self.shape = shape
            self.element = elided.element
            self.body = body
            return
        }
        guard let record = lambda.parameters.last else { return nil }
        self.shape = .lines
        self.element = record
        self.body = lambda.body
    }
}

/// Turns an expression into kernels; anything it doesn't know makes the whole map the machine's.
private struct KernelCompiler {
    private let element: Variable
    private var bound: [Variable: KernelBinding] = [:]
    private(set) var boundCount = 0
    private(set) var canBail = false
    private(set) var canBailInASCII = false

    /// The fewest scalars that a text can have where the compiler is.
    private var countMinimums: [Variable: Int]

    private enum KernelBinding {
        case text(Int)
        case integer(Int)
    }

    init(element: Variable, elementCountMinimum: Int) {
        self.element = element
        self.countMinimums = [element: elementCountMinimum]
    }

    mutating func effects(_ expression: Expression) -> [KernelEffect]? {
        switch expression.kind {
        case .constant: return []
        case .sequence(let forms):
            var effects: [KernelEffect] = []
            for form in forms {
                guard let more = self.effects(form) else { return nil }
                effects += more
            }
            return effects
        case .if(let condition, let then, let otherwise):
            guard let test = self.condition(condition) else { return nil }
            let known = self.countMinimums
            self.learn(from: condition)
            let chosen = self.effects(then)
            self.countMinimums = known
            guard let chosen, let otherwise = self.effects(otherwise) else { return nil }
            return [.choose(test, then: chosen, else: otherwise)]
        case .let(let bindings, let body):
            return self.effects(bindings[...], body)
        case .builtin(.emit, let arguments):
            guard let key = self.scalar(arguments[0]), let value = self.scalar(arguments[1]) else { return nil }
            return [.emit(key: key, value: value)]
        default: return nil
        }
    }

    private mutating func effects(_ bindings: ArraySlice<Binding>, _ body: Expression) -> [KernelEffect]? {
        guard let first = bindings.first else { return self.effects(body) }
        guard let value = self.scalar(first.value) else { return nil }
        let number = self.boundCount
        self.boundCount += 1
        switch value {
        case .text: self.bound[first.variable] = .text(number)
        case .integer: self.bound[first.variable] = .integer(number)
        }
        guard let inner = self.effects(bindings.dropFirst(), body) else { return nil }
        return [.bind(number, value, inner)]
    }

    private mutating func scalar(_ expression: Expression) -> KernelScalar? {
        if let text = self.text(expression) { return .text(text) }
        return self.integer(expression).map { .integer($0) }
    }

    private mutating func text(_ expression: Expression) -> KernelText? {
        switch expression.kind {
        case .constant(.string(let bytes)): return .constant(bytes)
        case .variable(self.element): return .element
        case .variable(let variable):
            guard case .text(let number) = self.bound[variable] else { return nil }
            return .bound(number)
        case .builtin(.lower, let arguments): return self.bailing(arguments[0]) { .lower($0) }
        case .builtin(.upper, let arguments): return self.bailing(arguments[0]) { .upper($0) }
        case .builtin(.trim, let arguments): return self.text(arguments[0]).map { .trim($0) }
        case .builtin(.substring, let arguments): return self.substring(arguments)
        case .builtin(.str, let arguments):
            var parts: [KernelScalar] = []
            for argument in arguments {
                guard let part = self.scalar(argument) else { return nil }
                parts.append(part)
            }
            return .concatenation(parts)
        default: return nil
        }
    }

    private mutating func bailing(_ argument: Expression, _ make: (KernelText) -> KernelText) -> KernelText? {
        self.canBail = true
        guard let text = self.text(argument) else { return nil }
        if !text.isOfBlock { self.canBailInASCII = true }
        return make(text)
    }

    private mutating func substring(_ arguments: [Expression]) -> KernelText? {
        guard let text = self.text(arguments[0]), case .constant(.integer(let start)) = arguments[1].kind,
            (0...Int64(Int32.max)).contains(start)
        else { return nil }
        self.canBail = true
        var minimum = 0
        if text.isOfBlock, case .variable(let variable) = arguments[0].kind {
            minimum = self.countMinimums[variable] ?? 0
        }
        guard arguments.count == 3 else {
            if start > minimum || !text.isOfBlock { self.canBailInASCII = true }
            return .substring(text, start: Int(start), end: nil)
        }
        guard case .constant(.integer(let end)) = arguments[2].kind, (start...Int64(Int32.max)).contains(end) else {
            return nil
        }
        if end > minimum || !text.isOfBlock { self.canBailInASCII = true }
        return .substring(text, start: Int(start), end: Int(end))
    }

    /// Takes in what holds about the lengths of texts where a condition does.
    private mutating func learn(from condition: Expression) {
        switch condition.kind {
        case .and(let parts):
            for part in parts { self.learn(from: part) }
        case .builtin(.greaterOrEqual, let arguments): self.learn(arguments.first, atLeast: arguments.last, plus: 0)
        case .builtin(.greater, let arguments): self.learn(arguments.first, atLeast: arguments.last, plus: 1)
        case .builtin(.lessOrEqual, let arguments): self.learn(arguments.last, atLeast: arguments.first, plus: 0)
        case .builtin(.less, let arguments): self.learn(arguments.last, atLeast: arguments.first, plus: 1)
        default: break
        }
    }

    private mutating func learn(_ count: Expression?, atLeast bound: Expression?, plus more: Int) {
        guard case .builtin(.count, let texts) = count?.kind, case .variable(let variable) = texts[0].kind,
            case .constant(.integer(let value)) = bound?.kind, (0...Int64(Int32.max)).contains(value)
        else { return }
        self.countMinimums[variable] = max(self.countMinimums[variable] ?? 0, Int(value) + more)
    }

    private mutating func integer(_ expression: Expression) -> KernelInteger? {
        switch expression.kind {
        case .constant(.integer(let value)): return .constant(value)
        case .variable(let variable):
            guard case .integer(let number) = self.bound[variable] else { return nil }
            return .bound(number)
        case .builtin(.count, let arguments): return self.text(arguments[0]).map { .count($0) }
        case .builtin(.add, let arguments): return self.fold(arguments) { .sum($0, $1) }
        case .builtin(.multiply, let arguments): return self.fold(arguments) { .product($0, $1) }
        case .builtin(.subtract, let arguments) where arguments.count >= 2:
            return self.fold(arguments) { .difference($0, $1) }
        case .builtin(.increment, let arguments) where arguments.count == 1:
            self.noteOverflow()
            return self.integer(arguments[0]).map { .sum($0, .constant(1)) }
        case .builtin(.decrement, let arguments) where arguments.count == 1:
            self.noteOverflow()
            return self.integer(arguments[0]).map { .difference($0, .constant(1)) }
        default: return nil
        }
    }

    /// A result that doesn't fit is the machine's, whatever the text is.
    private mutating func noteOverflow() {
        self.canBail = true
        self.canBailInASCII = true
    }

    private mutating func fold(
        _ arguments: [Expression],
        _ combine: (KernelInteger, KernelInteger) -> KernelInteger
    ) -> KernelInteger? {
        guard let head = arguments.first, var result = self.integer(head) else { return nil }
        self.noteOverflow()
        for argument in arguments.dropFirst() {
            guard let next = self.integer(argument) else { return nil }
            result = combine(result, next)
        }
        return result
    }

    private mutating func condition(_ expression: Expression) -> KernelCondition? {
        switch expression.kind {
        case .and(let parts): return self.conditions(parts).map { .all($0) }
        case .or(let parts): return self.conditions(parts).map { .any($0) }
        case .if(let test, let then, let otherwise):
            guard let test = self.condition(test), let then = self.condition(then),
                let otherwise = self.condition(otherwise)
            else { return nil }
            return .any([.all([test, then]), .all([.not(test), otherwise])])
        case .constant(.boolean(let value)): return value ? .all([]) : .any([])
        case .builtin(let builtin, let arguments): return self.condition(builtin, arguments)
        default: return nil
        }
    }

    private mutating func conditions(_ parts: [Expression]) -> [KernelCondition]? {
        var conditions: [KernelCondition] = []
        for part in parts {
            guard let condition = self.condition(part) else { return nil }
            conditions.append(condition)
        }
        return conditions.isEmpty ? nil : conditions
    }

    private mutating func condition(_ builtin: Builtin, _ arguments: [Expression]) -> KernelCondition? {
        switch builtin {
        case .not: return self.condition(arguments[0]).map { .not($0) }
        case .isEmpty: return self.text(arguments[0]).map { .isEmpty($0) }
        case .contains: return self.needle(arguments) { .contains($0, $1) }
        case .startsWith: return self.needle(arguments) { .starts($0, $1) }
        case .endsWith: return self.needle(arguments) { .ends($0, $1) }
        case .less: return self.compare(arguments) { .compare($0, .less, $1) }
        case .lessOrEqual: return self.compare(arguments) { .compare($0, .lessOrEqual, $1) }
        case .greater: return self.compare(arguments) { .compare($1, .less, $0) }
        case .greaterOrEqual: return self.compare(arguments) { .compare($1, .lessOrEqual, $0) }
        case .equal, .notEqual:
            guard arguments.count == 2 else { return nil }
            if let left = self.text(arguments[0]), let right = self.text(arguments[1]) {
                let equal = KernelCondition.equal(left, right)
                return builtin == .equal ? equal : .not(equal)
            }
            let order: KernelCondition.Order = builtin == .equal ? .equal : .notEqual
            return self.compare(arguments) { .compare($0, order, $1) }
        default: return nil
        }
    }

    private mutating func needle(
        _ arguments: [Expression],
        _ make: (KernelText, [UInt8]) -> KernelCondition
    ) -> KernelCondition? {
        guard let text = self.text(arguments[0]), case .constant(.string(let needle)) = arguments[1].kind else {
            return nil
        }
        return make(text, needle)
    }

    private mutating func compare(
        _ arguments: [Expression],
        _ make: (KernelInteger, KernelInteger) -> KernelCondition
    ) -> KernelCondition? {
        guard arguments.count == 2, let left = self.integer(arguments[0]), let right = self.integer(arguments[1])
        else { return nil }
        return make(left, right)
    }
}
