/// Checks what needs to know who calls whom: `emit` outside job functions, what only windows have, and what can't travel
/// to workers.
///
/// It works on lowered forms. A function is *in* a job if `:map` or `:reduce` refers to it, also by way of others.
struct FunctionUseCheck {
    /// Whose code an expression is.
    private enum Owner: Hashable {
        /// Runs where the program runs.
        case program
        /// Inside the `:map` or `:reduce` of a batch job.
        case job
        /// Inside the `:map` of a streaming job.
        case streamMap
        /// Inside the `:reduce` of a streaming job.
        case windowReduce
        case combiner
        /// Inside a function of a streaming job whose value is what counts: `:time`, `filter`, `group-by`.
        case valued
        /// Inside a function that runs with the state of a key.
        case stateful
        /// The body of a global function.
        case function(String)
        /// A function that a global function returns: what it does isn't done by calling the global.
        case result(of: String)

        var isJob: Bool {
            switch self {
            case .job, .streamMap, .windowReduce, .combiner, .valued, .stateful: true
            case .program, .function, .result: false
            }
        }

        var mayEmit: Bool {
            switch self {
            case .job, .streamMap, .windowReduce, .function, .result, .stateful: true
            case .program, .combiner, .valued: false
            }
        }

        /// Whether it may call functions that emit pairs.
        var mayEmitPairs: Bool { self.mayEmit && self != .stateful }

        var mayHaveState: Bool {
            switch self {
            case .stateful, .function, .result: true
            case .program, .job, .streamMap, .windowReduce, .combiner, .valued: false
            }
        }

        var mayHaveWindow: Bool {
            switch self {
            case .windowReduce, .function, .result: true
            case .program, .job, .streamMap, .combiner, .valued, .stateful: false
            }
        }

        /// Whether it is called with the records of a stream.
        var mayHaveRecord: Bool {
            switch self {
            case .streamMap, .valued, .function, .result: true
            case .program, .job, .windowReduce, .combiner, .stateful: false
            }
        }

        /// Whether it may write to side outputs.
        var mayEmitAside: Bool { self.mayHaveRecord && self != .valued }

        /// Whether what it alerts goes anywhere.
        var mayAlert: Bool { self != .job && self != .streamMap }
    }

    private struct Use {
        let owner: Owner
        let name: String
        let range: SourceRange
    }

    /// A call, or another use, of a builtin that doesn't work everywhere.
    private struct Site {
        let owner: Owner
        let builtin: Builtin
        let range: SourceRange
    }

    private let source: SourceFile
    private var uses: [Use] = []
    private var emissions: [Site] = []
    private var windowReads: [Site] = []
    private var stateUses: [Site] = []
    private var lookups: [Site] = []
    private var messageReads: [Site] = []
    private var sideEmissions: [Site] = []
    private var alerts: [Site] = []
    private var hosts: [Site] = []
    private var emittable: EmittableValues
    /// Globals and locals whose value is bound to this process, with the word for it.
    private var boundGlobals: [String: String] = [:]
    private var boundLocals: [Int: String] = [:]
    private var diagnostics = DiagnosticList()

    init(source: SourceFile, forms: [Expression]) {
        self.source = source
        self.emittable = EmittableValues(forms)
        for form in forms { self.visitTopLevel(form) }
    }

    mutating func check() -> [Diagnostic] {
        self.checkEmissions()
        self.check(self.windowReads, .window) { $0.mayHaveWindow }
        self.check(self.stateUses, .state) { $0.mayHaveState }
        self.check(self.lookups, .record) { $0.mayHaveRecord || $0 == .stateful }
        self.check(self.messageReads, .record) { $0.mayHaveRecord }
        self.check(self.sideEmissions, .side) { $0.mayEmitAside }
        self.check(self.alerts, .alert) { $0.mayAlert }
        self.checkTravel()
        return self.diagnostics.sorted()
    }

    // MARK: Collecting

    private mutating func visitTopLevel(_ form: Expression) {
        guard case .define(let name, let value) = form.kind else { return self.visit(form, .program) }
        if let word = self.boundWord(value) { self.boundGlobals[name] = word }
        self.visit(value, .program, tail: .defines(name))
    }

    /// What a function in tail position would be.
    private enum Tail {
        case nothing
        case defines(String)
        case isResult(of: String)
    }

    private mutating func visit(_ expression: Expression, _ owner: Owner, tail: Tail = .nothing) {
        switch expression.kind {
        case .constant(.builtin(let builtin)): self.visitLimited(builtin, owner, at: expression.range)
        case .constant: break
        case .variable(let variable): self.visitVariable(variable, owner, at: expression.range)
        case .global(let name): self.uses.append(Use(owner: owner, name: name, range: expression.range))
        case .let(let bindings, let body):
            for binding in bindings {
                if let word = self.boundWord(binding.value) { self.boundLocals[binding.variable.id] = word }
                self.emittable.note(binding)
                self.visit(binding.value, owner)
            }
            self.visit(body, owner, tail: tail)
        case .letrec(let functions, let body):
            for function in functions { self.emittable.note(function) }
            for function in functions { self.visit(function.lambda.body, owner) }
            self.visit(body, owner, tail: tail)
        case .if(let condition, let then, let otherwise):
            self.visit(condition, owner)
            self.visit(then, owner, tail: tail)
            self.visit(otherwise, owner, tail: tail)
        case .and(let parts), .or(let parts), .sequence(let parts):
            for part in parts.dropLast() { self.visit(part, owner) }
            if let last = parts.last { self.visit(last, owner, tail: tail) }
        case .lambda(let lambda): self.visitLambda(lambda, owner, tail: tail)
        case .builtin(let builtin, let arguments):
            self.visitLimited(builtin, owner, at: expression.range)
            for argument in arguments { self.visit(argument, owner) }
            if builtin == .emit || builtin == .emitTo { self.checkEmitted(arguments, by: builtin) }
        case .call(let function, let arguments):
            self.visit(function, owner)
            for argument in arguments { self.visit(argument, owner) }
        case .list(let elements): for element in elements { self.visit(element, owner) }
        case .map(let entries):
            for entry in entries {
                self.visit(entry.key, owner)
                self.visit(entry.value, owner)
            }
        case .forEach(_, let sequence, let body, _):
            self.visit(sequence, owner)
            self.visit(body, owner)
        case .match(let value, let clauses):
            self.visit(value, owner)
            for clause in clauses {
                self.visit(clause.pattern, owner)
                self.visit(clause.body, owner, tail: tail)
            }
        case .attempt(let body, let handler, let cleanup):
            self.visit(body, owner, tail: tail)
            if let handler { self.visit(handler.body, owner, tail: tail) }
            if let cleanup { self.visit(cleanup, owner) }
        case .connector(_, let arguments, let options):
            for argument in arguments { self.visit(argument, owner) }
            for option in options { self.visit(option.value, owner) }
        case .define(_, let value): self.visit(value, owner)
        case .defineJob(let job): self.visitJob(job, owner)
        }
    }

    private mutating func visit(_ pattern: Pattern, _ owner: Owner) {
        switch pattern {
        case .any, .binding, .constant: break
        case .list(let parts), .message(_, let parts): for part in parts { self.visit(part, owner) }
        case .map(let entries): for entry in entries { self.visit(entry.pattern, owner) }
        case .guarded(let inner, let condition):
            self.visit(inner, owner)
            self.visit(condition, owner)
        }
    }

    private mutating func visitLambda(_ lambda: Lambda, _ owner: Owner, tail: Tail) {
        switch tail {
        case .nothing: self.visit(lambda.body, owner)
        case .defines(let name): self.visit(lambda.body, .function(name), tail: .isResult(of: name))
        case .isResult(let name): self.visit(lambda.body, .result(of: name))
        }
    }

    private mutating func visitVariable(_ variable: Variable, _ owner: Owner, at range: SourceRange) {
        guard owner.isJob, let word = self.boundLocals[variable.id] else { return }
        self.reportTravel(variable.name, word, at: range)
    }

    private mutating func visitLimited(_ builtin: Builtin, _ owner: Owner, at range: SourceRange) {
        let site = Site(owner: owner, builtin: builtin, range: range)
        if builtin == .emit { self.emissions.append(site) }
        if builtin.needsWindow { self.windowReads.append(site) }
        if builtin.needsState { self.stateUses.append(site) }
        if builtin == .lookup { self.lookups.append(site) }
        if builtin.needsMessage { self.messageReads.append(site) }
        if builtin == .emitTo { self.sideEmissions.append(site) }
        if builtin == .alert { self.alerts.append(site) }
        if builtin.needsProgram { self.hosts.append(site) }
    }

    private mutating func visitJob(_ job: JobForm, _ owner: Owner) {
        self.boundGlobals[job.name] = "a job"
        for option in job.options {
            self.visit(option.value, Self.owner(of: option.name, in: job.kind) ?? owner)
        }
    }

    /// Whose code the function of an option is; nil: the option isn't a function of the job.
    private static func owner(of option: String, in kind: JobForm.Kind) -> Owner? {
        switch option {
        case "map": kind.isStream ? .streamMap : .job
        case "reduce": kind.isStream ? .windowReduce : .job
        case "combiner": .combiner
        case "time": .valued
        default:
            if ProcessorForm.isStateful(option) { .stateful } else { ProcessorForm.isFunction(option) ? .valued : nil }
        }
    }

    /// The word for a value that belongs to the running program, if `value` surely is one.
    private func boundWord(_ value: Expression) -> String? {
        switch value.kind {
        case .builtin(.submitJob, _): "a job handle"
        case .builtin(.jobWaitCompletion, _): "a promise"
        case .global(let name): self.boundGlobals[name]
        case .variable(let variable): self.boundLocals[variable.id]
        case .let(_, let body), .letrec(_, let body): self.boundWord(body)
        case .sequence(let parts): parts.last.flatMap { self.boundWord($0) }
        case .if(_, let then, let otherwise): self.boundWord(then) ?? self.boundWord(otherwise)
        default: nil
        }
    }

    // MARK: emit

    private mutating func checkEmissions() {
        for emission in self.emissions where !emission.owner.mayEmit {
            let (message, help) =
                switch emission.owner {
                case .combiner:
                    (
                        "a combiner can't emit: its value is what counts",
                        "return the one value that stands for the values"
                    )
                case .valued: ("this function can't emit: its value is what counts", "return the value")
                default: ("emit works only inside a job", "call it in :map or :reduce, or in a function that they call")
                }
            self.diagnostics.error("emit-outside-job", message, help: help, at: emission.range)
        }
        let emitters = self.functions(reaching: self.emissions)
        for use in self.uses where !use.owner.mayEmitPairs {
            guard let emission = emitters[use.name] else { continue }
            let caller =
                switch use.owner {
                case .combiner: "a combiner"
                case .valued: "a function whose value counts"
                case .stateful: "a function of process"
                default: "the top level"
                }
            self.diagnostics.error(
                "emit-outside-job",
                "\(use.name) emits, so \(caller) can't use it",
                help: "it emits at \(self.place(emission)); use it in :map or :reduce only",
                at: use.range
            )
        }
    }

    private mutating func checkEmitted(_ values: [Expression], by builtin: Builtin) {
        for value in values {
            guard let found = self.emittable.problem(with: value) else { continue }
            self.diagnostics.error(
                "cannot-travel",
                "\(found.text), which \(builtin.name) can't hand on: only data travels",
                help: found.help,
                at: found.range
            )
        }
    }

    /// Reports calls of builtins that work in some functions of a job only.
    private mutating func check(_ sites: [Site], _ place: LimitedPlace, isAllowed: (Owner) -> Bool) {
        for site in sites where !isAllowed(site.owner) {
            let message = "\(site.builtin.name) works only \(place.text)"
            self.diagnostics.error(place.code, message, help: place.help, at: site.range)
        }
        let callers = self.functions(reaching: sites)
        for use in self.uses where !isAllowed(use.owner) {
            guard let site = callers[use.name] else { continue }
            self.diagnostics.error(
                place.code,
                "\(use.name) \(place.deed), so it works only \(place.text)",
                help: "it does at \(self.place(site)); \(place.help)",
                at: use.range
            )
        }
    }

    /// The functions that come to one of the sites, themselves or through others, and to which.
    private func functions(reaching sites: [Site]) -> [String: SourceRange] {
        var found: [String: SourceRange] = [:]
        var pending: [String] = []
        for site in sites {
            guard case .function(let name) = site.owner, found[name] == nil else { continue }
            found[name] = site.range
            pending.append(name)
        }
        let callers = self.callers()
        while let name = pending.popLast() {
            for caller in callers[name] ?? [] where found[caller] == nil {
                found[caller] = found[name]
                pending.append(caller)
            }
        }
        return found
    }

    /// For each global, the functions that refer to it when they are called.
    private func callers() -> [String: [String]] {
        var callers: [String: [String]] = [:]
        for use in self.uses {
            if case .function(let caller) = use.owner { callers[use.name, default: []].append(caller) }
        }
        return callers
    }

    // MARK: What can't travel

    private mutating func checkTravel() {
        let inJobs = self.namesReachedByJobs()
        var reported: Set<SourceRange> = []
        for use in self.uses {
            guard let word = self.boundGlobals[use.name] else { continue }
            let isInJob: Bool
            switch use.owner {
            case .job, .streamMap, .windowReduce, .combiner, .valued, .stateful: isInJob = true
            case .function(let name), .result(let name): isInJob = inJobs.contains(name)
            case .program: isInJob = false
            }
            guard isInJob, reported.insert(use.range).inserted else { continue }
            self.reportTravel(use.name, word, at: use.range)
        }
        self.checkHosts()
    }

    private mutating func checkHosts() {
        let reported = self.diagnostics.diagnostics.map(\.range)
        // An argument may say what is wrong already.
        func isReported(_ range: SourceRange) -> Bool {
            reported.contains { $0.start >= range.start && $0.end <= range.end }
        }
        for host in self.hosts where host.owner.isJob && !isReported(host.range) {
            let message = "\(host.builtin.name) works only in the program, not inside a job"
            self.diagnostics.error("not-in-job", message, help: host.builtin.adviceInJob, at: host.range)
        }
        let callers = self.functions(reaching: self.hosts)
        for use in self.uses where use.owner.isJob {
            guard let range = callers[use.name], !isReported(range),
                let host = self.hosts.first(where: { $0.range == range })
            else { continue }
            self.diagnostics.error(
                "not-in-job",
                "\(use.name) calls \(host.builtin.name), which works only in the program, not inside a job",
                help: "it does at \(self.place(range)); \(host.builtin.adviceInJob)",
                at: use.range
            )
        }
    }

    private mutating func reportTravel(_ name: String, _ word: String, at range: SourceRange) {
        self.diagnostics.error(
            "cannot-travel",
            "\(name) is \(word) and can't travel to the workers with the job's function",
            help: "get what the function needs at the top level, and use that value",
            at: range
        )
    }

    private func namesReachedByJobs() -> Set<String> {
        var callees: [String: [String]] = [:]
        var pending: [String] = []
        for use in self.uses {
            switch use.owner {
            case .job, .streamMap, .windowReduce, .combiner, .valued, .stateful: pending.append(use.name)
            case .function(let name), .result(let name): callees[name, default: []].append(use.name)
            case .program: break
            }
        }
        var reached: Set<String> = []
        while let name = pending.popLast() {
            guard reached.insert(name).inserted else { continue }
            pending.append(contentsOf: callees[name] ?? [])
        }
        return reached
    }

    private func place(_ range: SourceRange) -> String {
        let location = self.source.location(of: range.start)
        return "\(location.line):\(location.column)"
    }
}

extension Builtin {
    /// It tells about the window whose values are reduced.
    fileprivate var needsWindow: Bool {
        switch self {
        case .windowStart, .windowEnd, .pane: true
        default: false
        }
    }

    /// It reads or changes what is kept of a key.
    fileprivate var needsState: Bool {
        switch self {
        case .state, .setState, .setTimer, .groupKey: true
        default: false
        }
    }

    /// It tells about the message that a record of a stream came in, or its source.
    fileprivate var needsMessage: Bool {
        switch self {
        case .messageKey, .messageHeader, .messageTopic, .messagePartition, .messageOffset, .sourceName: true
        default: false
        }
    }

    /// It prints, or acts on jobs, which only the program that submitted them can.
    fileprivate var needsProgram: Bool {
        switch self {
        case .submitJob, .await, .jobWaitCompletion, .jobGetResults, .jobStatus, .jobCancel, .jobID: true
        default: self.prints
        }
    }

    private var prints: Bool {
        switch self {
        case .println, .logInfo, .logWarn, .logError: true
        default: false
        }
    }

    /// What to do about one of those in a function of a job.
    fileprivate var adviceInJob: String {
        self.prints
            ? "emit what is to be seen: functions of a job run in many places at once, and only its output is collected"
            : "wait for the job at the top level and hand on its results"
    }
}
