import FluentSyntax

/// Finds out whether a reduce reads its values only through aggregates that can be computed piecewise.
///
/// An aggregate that could fail counts only where it is evaluated whatever the values are: computed ahead of time it
/// would fail for keys whose reduce never asks for it.
struct AggregateRecognition {
    /// A reduce that takes the results of its aggregates, or the first reason against it.
    static func recognised(_ reduce: Closure) -> Result<AggregateReduce, RewriteObstacle> {
        let lambda = reduce.lambda
        var recognition = AggregateRecognition(values: lambda.parameters[1], nextID: lambda.largestVariableID + 1)
        recognition.findCertain(lambda.body)
        let body = recognition.rewritten(lambda.body, isCertain: true)
        if let obstacle = recognition.obstacle { return .failure(obstacle) }
        guard !recognition.found.isEmpty else {
            return .failure(RewriteObstacle("reduce never reads its values", at: lambda.range))
        }
        let rewritten = lambda.with(parameters: [lambda.parameters[0]] + recognition.found.map(\.variable), body: body)
        return .success(
            AggregateReduce(
                aggregates: recognition.found.map(\.call),
                closure: reduce.with(lambda: rewritten.recaptured(keeping: lambda.captured)),
                whole: reduce
            )
        )
    }

    private struct Found {
        let call: AggregateCall
        let variable: Variable
    }

    private let values: Variable
    private var nextID: Int
    private var found: [Found] = []
    private var certain: [AggregateCall] = []
    private var obstacle: RewriteObstacle?

    private init(values: Variable, nextID: Int) {
        self.values = values
        self.nextID = nextID
    }

    /// Collects the aggregates that every run of the body evaluates.
    private mutating func findCertain(_ expression: Expression) {
        if let call = AggregateCall(expression, of: self.values) {
            self.certain.append(call)
            return
        }
        for child in expression.certainChildren { self.findCertain(child) }
    }

    private mutating func rewritten(_ expression: Expression, isCertain: Bool) -> Expression {
        if let call = AggregateCall(expression, of: self.values) {
            if !call.neverFails, !self.certain.contains(where: { $0.isSame(as: call) }) {
                let text = "(\(call.kind.rawValue) …) could fail and isn't evaluated for every key"
                self.obstacle = self.obstacle ?? RewriteObstacle(text, at: expression.range)
            }
            return Expression(.variable(self.parameter(for: call)), range: expression.range)
        }
        if case .variable(self.values) = expression.kind {
            let text = "\(self.values.name) is read other than through sum, count, min, max, mean and count-distinct"
            self.obstacle = self.obstacle ?? RewriteObstacle(text, at: expression.range)
        }
        return expression.mapChildren { self.rewritten($0, isCertain: false) }
    }

    private mutating func parameter(for call: AggregateCall) -> Variable {
        if let known = self.found.first(where: { $0.call.isSame(as: call) }) { return known.variable }
        let variable = Variable(id: self.nextID, name: "\(call.kind.rawValue)-of-\(self.values.name)")
        self.nextID += 1
        self.found.append(Found(call: call, variable: variable))
        return variable
    }
}

extension Closure {
    /// What it emits, in the words of the program; what surrounds that, and what variables are called, makes no difference.
    var emissionText: String {
        var emissions: [Expression] = []
        var names: [Variable: Variable] = [:]
        for parameter in self.lambda.parameters {
            _ = Expression(.variable(parameter), range: self.lambda.range).numbering(&names)
        }
        self.lambda.body.collectEmissions(into: &emissions)
        let printer = ExpressionPrinter()
        return emissions.map { printer.text($0.numbering(&names)) }.joined(separator: " ")
    }

    /// A text that is equal for functions that differ only in the ids and places of what they bind.
    var canonicalText: String {
        var renaming = VariableRenaming(nextID: 0)
        return ExpressionPrinter(showsIDs: true).text(renaming.copy(self.lambda))
    }
}

extension AggregateCall {
    /// `(sum values)`, `(sum (map f values))` or `(sum (for (v values) …))`, with a function that has no effects and
    /// captures nothing.
    fileprivate init?(_ expression: Expression, of values: Variable) {
        guard case .builtin(let builtin, let arguments) = expression.kind, arguments.count == 1,
            let kind = AggregateKind(builtin)
        else { return nil }
        if case .variable(values) = arguments[0].kind {
            self.init(kind: kind, input: nil, range: expression.range)
            return
        }
        guard let input = Self.input(arguments[0], of: values) else { return nil }
        self.init(kind: kind, input: input, range: expression.range)
    }

    private static func input(_ sequence: Expression, of values: Variable) -> Closure? {
        switch sequence.kind {
        case .builtin(.map, let arguments):
            guard case .variable(values) = arguments[1].kind else { return nil }
            return Self.function(arguments[0], values: values)
        case .forEach(let variable, let source, let body, false):
            guard case .variable(values) = source.kind else { return nil }
            return Self.closure(parameter: variable, body: body, range: sequence.range)
        default:
            return nil
        }
    }

    private static func function(_ function: Expression, values: Variable) -> Closure? {
        switch function.kind {
        case .lambda(let lambda) where lambda.parameters.count == 1:
            return Self.closure(parameter: lambda.parameters[0], body: lambda.body, range: lambda.range)
        case .constant(.keyword):
            let parameter = Variable(id: values.id, name: "value")
            let argument = Expression(.variable(parameter), range: function.range)
            let body = Expression(.builtin(.get, arguments: [argument, function]), range: function.range)
            return Self.closure(parameter: parameter, body: body, range: function.range)
        default:
            return nil
        }
    }

    private static func closure(parameter: Variable, body: Expression, range: SourceRange) -> Closure? {
        guard !body.hasEffects, body.freeVariables.allSatisfy({ $0 == parameter }) else { return nil }
        let lambda = Lambda(name: "", parameters: [parameter], body: body, captured: [], range: range)
        return Closure(lambda: lambda, captured: [], globals: [:])
    }

    fileprivate var neverFails: Bool {
        self.kind.neverFails && self.input == nil
    }

    /// Whether both have one result, wherever they were written.
    fileprivate func isSame(as other: AggregateCall) -> Bool {
        self.kind == other.kind && self.input?.canonicalText == other.input?.canonicalText
    }
}

extension Expression {
    fileprivate func collectEmissions(into emissions: inout [Expression]) {
        if case .builtin(.emit, _) = self.kind { emissions.append(self) }
        var inner: [Expression] = []
        self.forEachChild { $0.collectEmissions(into: &inner) }
        emissions += inner
    }

    /// With variables that are called after the order in which they come.
    fileprivate func numbering(_ names: inout [Variable: Variable]) -> Expression {
        if case .variable(let variable) = self.kind {
            let name = names[variable] ?? Variable(id: variable.id, name: "v\(names.count + 1)")
            names[variable] = name
            return Expression(.variable(name), range: self.range)
        }
        var known = names
        let numbered = self.mapChildren { $0.numbering(&known) }
        names = known
        return numbered
    }
}
