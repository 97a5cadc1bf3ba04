package import FluentSyntax

/// Evaluates programs straight from their syntax tree: the yardstick for every other way to run them.
///
/// It knows nothing of lowering, bytecode or kernels, and prefers being obviously right to being fast.
package final class Interpreter {
    /// What the world answers.
    package struct World {
        /// Milliseconds since 1970.
        package var now: Int64 = 0
        package var uuid = "00000000-0000-0000-0000-000000000000"
        /// What `-D` sets.
        package var parameters: [String: String] = [:]

        package init() {}
    }

    /// Bounds that keep a runaway program from stopping the tests.
    package struct Limits {
        package var stepLimit: Int64 = 300_000
        package var callDepthLimit: Int64 = 400
        package var elementLimit = 1_000_000

        /// Elements and bytes of values that a builtin reads or makes for one step.
        package var sizePerStep: Int64 = 16
        package var valueDepthLimit = 500

        package init() {}
    }

    package let world: World
    package let limits: Limits

    /// The pairs that were emitted, keys normalised.
    package private(set) var emitted: [ReferenceEntry] = []

    /// Lines of `println`, the logs and `alert`.
    package private(set) var output: [Text] = []

    var globals: [String: ReferenceValue] = [:]
    /// Names that some `define` of the program binds, perhaps later.
    private var globalNames: Set<String> = []
    /// Arguments of a self tail call on its way to the loop of the function.
    var tailArguments: [ReferenceValue]?
    /// The value of the `throw` that is under way.
    package var thrownValue = ReferenceValue.nil
    var callDepth: Int64 = 0
    private var steps: Int64 = 0

    package init(world: World = World(), limits: Limits = Limits()) {
        self.world = world
        self.limits = limits
    }

    /// Evaluates the top-level forms in order and gives the value of the last.
    package func run(_ program: [SyntaxNode]) throws(EvaluationError) -> ReferenceValue {
        for node in program {
            if let name = Self.definedName(node) { self.globalNames.insert(name) }
        }
        var last = ReferenceValue.nil
        for node in program { last = try self.evaluate(node, in: Scope(in: nil)) }
        return last
    }

    /// Calls a function value, as the engine calls a job's lambda.
    ///
    /// `range` is where errors of the call itself are reported.
    package func call(
        _ function: ReferenceValue,
        _ arguments: [ReferenceValue],
        at range: SourceRange
    ) throws(EvaluationError) -> ReferenceValue {
        try self.apply(function, arguments, at: range)
    }

    /// Forgets what was emitted and printed, and the steps taken, before the next record.
    package func reset() {
        self.emitted = []
        self.output = []
        self.steps = 0
    }

    func emit(_ key: ReferenceValue, _ value: ReferenceValue) {
        self.emitted.append(ReferenceEntry(key.normalisedAsKey, value))
    }

    func print(_ line: Text) {
        self.output.append(line)
    }

    func countStep(at range: SourceRange) throws(EvaluationError) {
        self.steps += 1
        guard self.steps <= self.limits.stepLimit else {
            throw EvaluationError(.stepLimit(self.limits.stepLimit), at: range)
        }
    }

    /// Counts a value that a builtin reads or makes, all the way down.
    ///
    /// In few calls a text doubles, or a list holds another twice, until walking through it takes forever.
    func countSize(of value: ReferenceValue, at range: SourceRange) throws(EvaluationError) {
        let sizeLimit = (self.limits.stepLimit - self.steps) * self.limits.sizePerStep
        var sizeLeft = sizeLimit
        guard value.isCounted(in: &sizeLeft, depthLeft: self.limits.valueDepthLimit) else {
            throw EvaluationError(.stepLimit(self.limits.stepLimit), at: range)
        }
        self.steps += (sizeLimit - sizeLeft) / self.limits.sizePerStep
    }

    func isGlobal(_ name: String) -> Bool { self.globalNames.contains(name) }

    private static func definedName(_ node: SyntaxNode) -> String? {
        guard let form = node.elements, form.count > 1, form[0].symbol == "define" else { return nil }
        return form[1].symbol ?? form[1].elements?.first?.symbol
    }
}

extension ReferenceValue {
    /// Takes the size of the value away; false where it is too large or too deep.
    fileprivate func isCounted(in sizeLeft: inout Int64, depthLeft: Int) -> Bool {
        sizeLeft -= 1
        switch self {
        case .string(let text), .symbol(let text), .keyword(let text): sizeLeft -= Int64(text.bytes.count)
        case .list(let elements), .set(let elements):
            guard depthLeft > 0 else { return false }
            for element in elements where !element.isCounted(in: &sizeLeft, depthLeft: depthLeft - 1) { return false }
        case .map(let entries):
            guard depthLeft > 0 else { return false }
            for entry in entries {
                guard entry.key.isCounted(in: &sizeLeft, depthLeft: depthLeft - 1),
                    entry.value.isCounted(in: &sizeLeft, depthLeft: depthLeft - 1)
                else { return false }
            }
        case .nil, .boolean, .integer, .float, .function, .builtin, .regex: break
        }
        return sizeLeft >= 0
    }
}

extension SyntaxNode {
    /// The elements of `( … )`.
    var elements: [SyntaxNode]? {
        if case .list(let elements) = self.kind { elements } else { nil }
    }

    /// The elements of `( … )` or `[ … ]`.
    var sequence: [SyntaxNode]? {
        switch self.kind {
        case .list(let elements), .vector(let elements): elements
        default: nil
        }
    }

    var symbol: String? {
        if case .symbol(let name) = self.kind { name } else { nil }
    }
}
