/// The local names that can be seen at one place, and the functions around it.
struct Scope {
    struct Local {
        let variable: Variable
        let range: SourceRange
        /// How many functions are around its binding.
        let functionDepth: Int
        /// How many arguments it takes, when it is bound to a function as written.
        let parameterCount: Int?
        let warnsWhenUnused: Bool
        var isUsed = false
    }

    private struct Function {
        var captured: [Variable] = []
        var capturedIDs: Set<Int> = []
    }

    private var locals: [Local] = []
    private var indicesByName: [String: [Int]] = [:]
    private var functions: [Function] = []
    private var nextID = 0

    /// What ``leave(_:)`` takes to undo the bindings made since.
    var mark: Int { self.locals.count }

    mutating func bind(
        _ name: String,
        at range: SourceRange,
        parameterCount: Int? = nil,
        warnsWhenUnused: Bool = true
    ) -> Variable {
        let variable = Variable(id: self.nextID, name: name)
        self.nextID += 1
        self.indicesByName[name, default: []].append(self.locals.count)
        self.locals.append(
            Local(
                variable: variable,
                range: range,
                functionDepth: self.functions.count,
                parameterCount: parameterCount,
                warnsWhenUnused: warnsWhenUnused && !name.hasPrefix("_")
            )
        )
        return variable
    }

    /// Ends the bindings made since `mark`, and returns those that nothing used and that are worth a word.
    mutating func leave(_ mark: Int) -> [Local] {
        var unused: [Local] = []
        while self.locals.count > mark {
            let local = self.locals.removeLast()
            self.indicesByName[local.variable.name]?.removeLast()
            if !local.isUsed, local.warnsWhenUnused { unused.append(local) }
        }
        return unused
    }

    mutating func enterFunction() {
        self.functions.append(Function())
    }

    /// Returns what the function captured, in order of first use.
    mutating func leaveFunction() -> [Variable] {
        self.functions.removeLast().captured
    }

    /// The innermost local of this name; it counts as used, and as captured by the functions between.
    mutating func resolve(_ name: String) -> Local? {
        guard let index = self.indicesByName[name]?.last else { return nil }
        self.locals[index].isUsed = true
        let local = self.locals[index]
        for depth in local.functionDepth..<max(local.functionDepth, self.functions.count) {
            guard self.functions[depth].capturedIDs.insert(local.variable.id).inserted else { continue }
            self.functions[depth].captured.append(local.variable)
        }
        return local
    }

    func contains(_ name: String) -> Bool { self.indicesByName[name]?.isEmpty == false }

    /// The innermost local of this name, without counting that as a use.
    func local(_ name: String) -> Local? {
        self.indicesByName[name]?.last.map { self.locals[$0] }
    }

    /// Marks a name as used by something that isn't lowered.
    mutating func noteUse(of name: String) {
        guard let index = self.indicesByName[name]?.last else { return }
        self.locals[index].isUsed = true
    }

    /// Every name that can be seen, innermost last; a name may come twice.
    var names: [String] { self.locals.map(\.variable.name) }
}
