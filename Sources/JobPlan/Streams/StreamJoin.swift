package import FluentSyntax

/// What a `join` does with two records of a key.
package struct StreamJoin: Sendable {
    /// Milliseconds by which the right record is later than the left one, at least and at most.
    package let from: Int64
    package let to: Int64

    /// Two parameters, the left and the right record; nil hands nothing on.
    package let function: Closure

    /// The clause.
    package let range: SourceRange

    package init(from: Int64, to: Int64, function: Closure, range: SourceRange) {
        precondition(from <= to, "an interval has a beginning and an end")
        self.from = from
        self.to = to
        self.function = function
        self.range = range
    }
}

/// Which records a join takes for which side; the key of the left one is that of its stage.
struct JoinSides {
    /// The clause has these names, and the sources have those that ``sourceNames`` tells.
    let left: String
    let right: String

    /// What `source-name` tells of a left record, at least one; all other records are of the right side.
    let leftSources: [String]
    let rightGroup: RecordGroup

    /// Whether a source belongs to the side of this name: it is called so, or is a part of a union that is.
    static func includes(_ source: String, in side: String) -> Bool {
        source == side || source.hasPrefix(side + ":")
    }
}

extension JobOptionReader {
    /// The sides of a join; nil after a problem.
    mutating func joinSides(_ stage: ProcessorForm.Stage, at index: Int) -> JoinSides? {
        guard let join = stage.join else { return nil }
        let options = (0..<join.rightKeyCount).map { ProcessorForm.rightKeyOption(index, $0) }
        let keys = options.compactMap { self.recordFunction($0, label: stage.kind.rawValue) }
        let names = self.sourceNames
        for side in [join.left, join.right] where !names.contains(where: { JoinSides.includes($0, in: side) }) {
            let known = Set(names.filter { !$0.isEmpty }).sorted().map { ":\($0)" }.joined(separator: " ")
            let found = known.isEmpty ? "its sources have no names" : "its sources are \(known)"
            self.report("the source of job \(self.form.name) has no source :\(side), and \(found)", in: stage)
            return nil
        }
        let isSide: (String) -> Bool = { name in
            JoinSides.includes(name, in: join.left) || JoinSides.includes(name, in: join.right)
        }
        if let other = names.first(where: { !isSide($0) }) {
            let name = other.isEmpty ? "a source without a name" : "the source :\(other)"
            self.report("\(name) is on no side of the join, which would leave its records out", in: stage)
            return nil
        }
        return JoinSides(
            left: join.left,
            right: join.right,
            leftSources: Array(Set(names.filter { JoinSides.includes($0, in: join.left) })).sorted(),
            rightGroup: RecordGroup(
                keys: zip(self.keyNames(options), keys).map { ($0, $1) },
                isList: join.hasRightKeyList
            )
        )
    }

    private mutating func report(_ message: String, in stage: ProcessorForm.Stage) {
        let left = stage.join?.left ?? "left"
        let right = stage.join?.right ?? "right"
        let help = "name the sources of both sides, and no others: (union :\(left) SOURCE :\(right) SOURCE)"
        self.problems.append(Diagnostic(.error, "option-value", message, help: help, at: stage.range))
    }

    /// What the program calls each source of the stream; empty where it has no name.
    private var sourceNames: [String] {
        guard case .some(.connector(let call)) = self.values[self.form.kind.sourceOption] else { return [] }
        return StreamSourceCall.parts(of: call).map(\.name)
    }

    /// The interval and the function of a join; nil after a problem.
    mutating func join(_ stage: ProcessorForm.Stage, at index: Int) -> StreamJoin? {
        let to = self.offset(at: index, "to")
        let from = self.offset(at: index, "from") ?? 0
        let function = self.joinFunction(stage, at: index)
        guard let to, let function else { return nil }
        guard from <= to else {
            let message = ProcessorForm.Join.problem(from: from, to: to)
            let option = ProcessorForm.stageOption(index, "to")
            self.report("option-value", message, help: TimeSpan.offsetAdvice, option: option)
            return nil
        }
        return StreamJoin(from: from, to: to, function: function, range: stage.range)
    }

    private mutating func offset(at index: Int, _ name: String) -> Int64? {
        let option = ProcessorForm.stageOption(index, name)
        guard let value = self.values[option], value != .nil else { return nil }
        if let problem = TimeSpan.offsetProblem(with: value) {
            self.report("option-value", ":\(name) \(problem)", help: TimeSpan.offsetAdvice, option: option)
        }
        return TimeSpan.offsetMilliseconds(of: value)
    }

    private mutating func joinFunction(_ stage: ProcessorForm.Stage, at index: Int) -> Closure? {
        guard stage.join?.hasFunction == true else { return Self.merging(at: stage.range) }
        let option = ProcessorForm.stageOption(index, ProcessorForm.Join.functionOption)
        switch self.values[option] {
        case .some(.function(let closure)) where closure.lambda.parameters.count == 2: return closure
        case .some(.builtin(let builtin)):
            let place = self.place(of: option)
            if let closure = Closure(calling: builtin, parameterCounts: 2...2, range: place) { return closure }
        default: break
        }
        let help = "write (lambda (left right) …)"
        self.report("option-type", "join needs a function of two records", help: help, option: option)
        return nil
    }

    /// The right record with the fields of the left one over its own.
    private static func merging(at range: SourceRange) -> Closure {
        let (left, right) = (Variable(id: 0, name: "left"), Variable(id: 1, name: "right"))
        let arguments = [right, left].map { Expression(.variable($0), range: range) }
        let body = Expression(.builtin(.merge, arguments: arguments), range: range)
        let lambda = Lambda(name: "", parameters: [left, right], body: body, captured: [], range: range)
        return Closure(lambda: lambda, captured: [], globals: [:])
    }
}
