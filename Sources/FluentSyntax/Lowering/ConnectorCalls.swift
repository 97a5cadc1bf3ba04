import CoreTypes

/// The calls of sources and sinks in a program, until it is known what each is for.
struct ConnectorCalls {
    struct Call {
        let name: String
        let arguments: [Expression]
        let options: [JobForm.Option]
        /// Of the keywords, in the order of the options.
        let keywords: [SourceRange]
        let range: SourceRange
    }

    private(set) var calls: [Call] = []
    private var roles: [SourceRange: Set<ConnectorRole>] = [:]
    private var rolesOfNames: [String: Set<ConnectorRole>] = [:]
    private var definitions: [SourceRange: String] = [:]
    /// Of calls among the options of others: `(csv …)`.
    private var outerCalls: [SourceRange: Call] = [:]

    mutating func add(_ call: Call) {
        self.calls.append(call)
        for option in call.options {
            if case .connector = option.value.kind { self.outerCalls[option.value.range] = call }
        }
    }

    /// Takes down that a value is what a name was defined as.
    mutating func noteDefinition(of name: String, as value: Expression) { self.definitions[value.range] = name }

    /// Takes down what a source or sink is for; a value may be one, a name of one, or one of two.
    mutating func noteRole(_ role: ConnectorRole, of value: Expression) {
        switch value.kind {
        case .connector: self.roles[value.range, default: []].insert(role)
        case .global(let name): self.rolesOfNames[name, default: []].insert(role)
        case .if(_, let first, let second):
            self.noteRole(role, of: first)
            self.noteRole(role, of: second)
        default: break
        }
    }

    /// What a call is for, as far as that is known; nil stands for anything.
    func roles(of call: Call) -> [ConnectorRole?] {
        if let outer = self.outerCalls[call.range] { return self.roles(of: outer) }
        let named = self.definitions[call.range].flatMap { self.rolesOfNames[$0] } ?? []
        let roles = (self.roles[call.range] ?? []).union(named)
        return roles.isEmpty ? [nil] : ConnectorRole.allCases.filter(roles.contains)
    }
}

extension Lowering {
    /// Reports what is wrong with calls by what their connectors say.
    mutating func checkConnectorCalls(_ connectors: any ConnectorChecking) {
        for call in self.connectorCalls.calls {
            for role in self.connectorCalls.roles(of: call) {
                for problem in connectors.problems(with: call.use(as: role)) {
                    let place = call.range(of: problem.place)
                    let within = if case .call = problem.place { call.range } else { place }
                    guard !self.diagnostics.hasError(in: within) else { continue }
                    self.diagnostics.error(problem.code, problem.message, help: problem.help, at: place)
                }
            }
        }
    }
}

extension ConnectorCalls.Call {
    fileprivate func use(as role: ConnectorRole?) -> ConnectorUse {
        ConnectorUse(
            name: self.name,
            role: role,
            arguments: self.arguments.map(\.connectorValue),
            options: Dictionary(self.options.map { ($0.name, $0.value.connectorValue) }) { first, _ in first }
        )
    }

    fileprivate func range(of place: ConnectorProblem.Place) -> SourceRange {
        switch place {
        case .call: self.range
        case .argument(let index): self.arguments[index].range
        case .optionName(let name): zip(self.options, self.keywords).first { $0.0.name == name }?.1 ?? self.range
        case .optionValue(let name): self.options.first { $0.name == name }?.value.range ?? self.range
        }
    }
}

extension Expression {
    fileprivate var connectorValue: ConnectorUse.Value {
        switch self.kind {
        case .constant(let constant): .constant(constant)
        case .lambda: .function
        case .connector(let name, _, _): .call(name)
        default: .unknown
        }
    }
}
