package import FluentSyntax

/// The parameters that a program may read, whichever of its branches are taken.
package struct ProgramParameters: Hashable, Sendable {
    /// Those whose names are written as text, sorted.
    package let names: [String]

    /// Whether there are no others: no name is only computed when the program runs.
    package let isComplete: Bool

    package init(names: [String], isComplete: Bool) {
        self.names = names
        self.isComplete = isComplete
    }
}

extension Program {
    /// What `param` is called with in all forms, those of jobs included.
    package var parameters: ProgramParameters {
        var search = ParameterSearch()
        for form in self.forms { search.visit(form) }
        return ProgramParameters(names: search.names.sorted(), isComplete: search.isComplete)
    }
}

private struct ParameterSearch {
    var names: Set<String> = []
    var isComplete = true

    mutating func visit(_ expression: Expression) {
        switch expression.kind {
        case .builtin(.param, let arguments): self.note(arguments.first?.constant?.optionText)
        // As a value it may be called with any name.
        case .constant(.builtin(.param)): self.isComplete = false
        case .defineJob(let form): for option in form.options { self.visit(option.value) }
        default: break
        }
        expression.forEachChild { self.visit($0) }
    }

    private mutating func note(_ name: String?) {
        guard let name else {
            self.isComplete = false
            return
        }
        self.names.insert(name)
    }
}

extension PlannedJob {
    /// The parameters that the job's functions read for every record or key although they have neither a value nor a
    /// default, each with its first place.
    ///
    /// One that is read in a branch only is found when the branch is taken.
    package var unsetParameters: [(name: String, range: SourceRange)] {
        UnsetParameters.find(in: self.lambdas)
    }

    private var lambdas: [Lambda] {
        self.optimised.operators.flatMap { kind -> [Lambda] in
            switch kind {
            case .map(let function): [function.closure.lambda]
            case .combine(.closure(let closure)), .reduce(.general(let closure)): [closure.lambda]
            case .reduce(.aggregates(let reduce)): [reduce.closure.lambda]
            default: []
            }
        }
    }
}

extension StreamPlan {
    /// As ``PlannedJob/unsetParameters``.
    package var unsetParameters: [(name: String, range: SourceRange)] {
        var lambdas = [self.map.closure.lambda]
        if let time = self.time { lambdas.append(time.whole.lambda) }
        for stage in self.stages {
            lambdas.append(stage.map.lambda)
            guard case .process(let functions) = stage.operation else { continue }
            lambdas.append(functions.onEvent.lambda)
            if let onTimer = functions.onTimer { lambdas.append(onTimer.lambda) }
        }
        switch self.reduce {
        case nil: break
        case .general(let closure), .aggregates(_, let closure): lambdas.append(closure.lambda)
        }
        return UnsetParameters.find(in: lambdas)
    }
}

/// Finds `(param "name")` calls that every run of a function comes to and that have no value.
private enum UnsetParameters {
    static func find(in lambdas: [Lambda]) -> [(name: String, range: SourceRange)] {
        var found: [(name: String, range: SourceRange)] = []
        for lambda in lambdas { self.addUnset(in: lambda.body, to: &found) }
        return found
    }

    private static func addUnset(in expression: Expression, to found: inout [(name: String, range: SourceRange)]) {
        if case .builtin(.param, let arguments) = expression.kind, arguments.count == 1,
            let name = arguments[0].constant?.optionText, !found.contains(where: { $0.name == name })
        {
            found.append((name, expression.range))
        }
        for child in expression.certainChildren { self.addUnset(in: child, to: &found) }
    }
}
