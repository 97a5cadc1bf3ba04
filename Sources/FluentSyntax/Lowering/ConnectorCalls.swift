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
    private var values: [String: Expression] = [:]
    /// What streams read whose `:time` isn't given.
    private(set) var untimedSources: [Expression] = []
    /// Of calls among the options of others: `(csv …)`.
    private var outerCalls: [SourceRange: Call] = [:]

    mutating func add(_ call: Call) {
        self.calls.append(call)
        for option in call.options {
            if case .connector = option.value.kind { self.outerCalls[option.value.range] = call }
        }
    }

    /// Takes down that a value is what a name was defined as.
    mutating func noteDefinition(of name: String, as value: Expression) {
        self.definitions[value.range] = name
        self.values[name] = value
    }

    /// Takes down a source of a stream that says nothing of the time of its records.
    mutating func noteUntimed(_ source: Expression) { self.untimedSources.append(source) }

    /// The calls that a source surely consists of, each with the place where a message points.
    ///
    /// `followsNames`: Whether names stand for what they were defined as, which itself is taken as it is written.
    func parts(of source: Expression, followsNames: Bool = true) -> [(name: String, range: SourceRange)] {
        switch source.kind {
        case .connector(ConnectorName.union.rawValue, let arguments, let options):
            return (arguments + options.map(\.value)).flatMap { self.parts(of: $0, followsNames: followsNames) }
        case .connector(let name, _, _): return [(name, source.range)]
        case .global(let name):
            guard followsNames, let value = self.values[name] else { return [] }
            return self.parts(of: value, followsNames: false).map { (name: $0.name, range: source.range) }
        default: return []
        }
    }

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
            var warnings: Set<String> = []
            for role in self.connectorCalls.roles(of: call) {
                for problem in connectors.problems(with: call.use(as: role)) {
                    let place = call.range(of: problem.place)
                    let within = if case .call = problem.place { call.range } else { place }
                    guard !self.diagnostics.hasError(in: within) else { continue }
                    guard problem.isWarning else {
                        self.diagnostics.error(problem.code, problem.message, help: problem.help, at: place)
                        continue
                    }
                    // It may be read and written.
                    guard warnings.insert(problem.message).inserted else { continue }
                    self.diagnostics.warning(problem.code, problem.message, help: problem.help, at: place)
                }
            }
        }
        self.checkTimes(connectors)
    }

    /// Reports streams that nobody tells the time of their records.
    private mutating func checkTimes(_ connectors: any ConnectorChecking) {
        for source in self.connectorCalls.untimedSources where !self.diagnostics.hasError(in: source.range) {
            let parts = self.connectorCalls.parts(of: source)
            guard let timeless = parts.first(where: { !connectors.givesTime($0.name) }) else { continue }
            self.diagnostics.error(
                "missing-option",
                "\(timeless.name) gives its records no time, and the stream doesn't say where it is",
                help: "add :time :field, or :time (lambda (record) …), which gives milliseconds since 1970",
                at: timeless.range
            )
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
