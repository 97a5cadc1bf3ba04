import CoreTypes

/// Makes jobs whose maps have kernels, or nearly: the same one from the same seed.
package struct MapGenerator {
    enum Kind {
        case text
        case integer
    }

    struct Variable {
        let name: String
        let kind: Kind
    }

    /// Forms without a kernel are put in here and there in this share of the programs.
    private static let nearPercent = 25

    private let seed: UInt64
    var random: SplitMix64
    private let separator: Separator
    private var input: HostileText
    let literals: [String]
    private var freshCount = 0

    /// Texts and integers that can be named here.
    var scope: [Variable] = []

    /// What the rows are: the pieces of a line, or lines.
    var element = ""

    /// Whether forms without a kernel may come.
    let isNear: Bool

    /// Whether forms may come that kernels leave to the machine for some rows.
    let mayBail: Bool

    /// Kinds of the values emitted so far: they decide which reduce makes sense.
    var emitted: Set<Kind> = []

    package static func map(seed: UInt64) -> GeneratedMap {
        var generator = MapGenerator(seed: seed)
        return generator.map()
    }

    private init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        self.seed = seed
        self.isNear = random.chance(percent: Self.nearPercent)
        self.mayBail = random.chance(percent: 65)
        let separators = self.isNear && random.chance(percent: 40) ? Separator.others : Separator.plain
        self.separator = separators[random.next(in: 0..<separators.count)]
        self.input = HostileText(random: SplitMix64(seed: random.next()), separator: self.separator)
        self.literals = self.input.literals
        self.random = random
    }

    private mutating func map() -> GeneratedMap {
        let function = self.mapFunction()
        var options = [":map \(function)"]
        let parallelism = self.pick([1, 1, 2, 3])
        let hasReduce = self.random.chance(percent: 85)
        if hasReduce { options.append(self.reduceOptions()) }
        if self.random.chance(percent: hasReduce && self.mayBail ? 10 : 30) { options.append(":on-error 'skip") }
        if hasReduce, self.random.chance(percent: 70) {
            options.append(":partitions \(self.random.next(in: 1..<6))")
        }
        let format = self.random.chance(percent: 50) ? " :format 'json" : ""
        let text = """
            (define-mapreduce job
              :input (distributed-files "in")
              :output (distributed-path "out"\(format))
              \(options.joined(separator: "\n  ")))
            """
        let files = (0..<self.random.next(in: 1..<4)).map { _ in self.input.file() }
        return GeneratedMap(seed: self.seed, text: text, files: files, parallelism: parallelism)
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[self.random.next(in: 0..<elements.count)]
    }

    /// Whether a form without a kernel comes here.
    mutating func isForeign() -> Bool { self.isNear && self.random.chance(percent: 6) }

    mutating func freshName(_ prefix: String) -> String {
        self.freshCount += 1
        return "\(prefix)\(self.freshCount)"
    }

    // MARK: The map

    private mutating func mapFunction() -> String {
        let shape = self.random.next(in: 0..<100)
        let depth = self.random.next(in: 1..<5)
        if shape < 20 {
            self.element = "line"
            let parameters = self.random.chance(percent: 20) ? "key line" : "line"
            if self.isNear, parameters == "key line" { self.scope.append(Variable(name: "key", kind: .integer)) }
            return "(lambda (\(parameters)) \(self.body(depth)))"
        }
        self.element = "w"
        if self.isNear, self.random.chance(percent: 30) { return self.nearLoop(depth) }
        let body = self.body(depth)
        let parameters = self.random.chance(percent: 10) ? "key line" : "line"
        return "(lambda (\(parameters)) (for (w \(self.sequence())) \(body)))"
    }

    private mutating func body(_ depth: Int) -> String {
        (0..<self.pick([1, 1, 1, 1, 2, 3])).map { _ in self.statement(depth) }.joined(separator: " ")
    }

    /// The pieces, sometimes changed in case, mapped and filtered, which the planner moves into the loop.
    private mutating func sequence() -> String {
        let code = self.separator.code
        guard self.mayBail else { return "(split line \(code))" }
        switch self.random.next(in: 0..<100) {
        case 0..<6: return "(split (lower line) \(code))"
        case 6..<9: return "(split (upper line) \(code))"
        case 9..<12: return "(map lower (split line \(code)))"
        case 12..<15: return "(map (lambda (x) (substring x 1)) (split line \(code)))"
        case 15..<18: return "(filter (lambda (x) (> (count x) 2)) (split line \(code)))"
        case 18..<20: return "(filter (lambda (x) (contains? x \"a\")) (map trim (split line \(code))))"
        default: return "(split line \(code))"
        }
    }

    /// Loops that aren't one loop over the pieces of the line.
    private mutating func nearLoop(_ depth: Int) -> String {
        let body = self.body(depth)
        let code = self.separator.code
        self.emitted.insert(.integer)
        switch self.random.next(in: 0..<7) {
        case 0: return "(lambda (line) (for (w (split line \(code))) \(body)) (emit \"lines\" 1))"
        case 1: return "(lambda (line) (let ((parts (split line \(code)))) (for (w parts) \(body))))"
        case 2: return "(lambda (line) (for (w (split line \(code)) x [1 2]) \(body) (emit w x)))"
        case 3: return "(lambda (line) (when (> (count line) 3) (for (w (split line \(code))) \(body))))"
        case 4: return "(lambda (key line) (for (w (split line \(code))) \(body) (emit w key)))"
        case 5: return "(lambda (line) (for (w (rest (split line \(code)))) \(body)))"
        default: return "(lambda (line) (for-each (lambda (w) \(body)) (split line \(code))))"
        }
    }

    // MARK: The reduce

    private mutating func reduceOptions() -> String {
        let hasText = self.emitted.contains(.text)
        let isMixed = self.emitted.count > 1
        let anyReduces = [
            "(emit k (count vs))", "(emit k (count vs))", "(emit k (sort vs))", "(emit k (count-distinct vs))",
            "(when (> (count vs) 1) (emit k (count vs)))", "(for (v (sort vs)) (emit k v))",
            "(emit (str k \"!\") (count vs))",
        ]
        let orderedReduces = ["(emit k (min vs))", "(emit k (max vs))", "(emit k (list (min vs) (max vs) (count vs)))"]
        let numberReduces = [
            "(emit k (sum vs))", "(emit k (sum vs))", "(emit k (sum vs))", "(emit k (mean vs))",
            "(emit k (+ (sum vs) (count vs)))", "(emit k (list (sum vs) (count vs) (min vs) (max vs) (mean vs)))",
            "(let ((n (count vs)) (s (sum vs))) (emit k (str s \"/\" n)))", "(emit \"all\" (sum vs))",
            "(emit k (sum (map (lambda (v) (* v 2)) vs)))", "(emit k (list (mean vs) (sum vs)))",
        ]
        if !hasText, self.random.chance(percent: 12) {
            let builtin = self.pick(["sum", "sum", "min", "max"])
            return ":combiner \(builtin)\n  :reduce (lambda (k vs) (emit k (\(builtin) vs)))"
        }
        var reduces = anyReduces
        if !isMixed { reduces += orderedReduces }
        // A sum of texts is an error that must be the same everywhere. What `min` says of texts and integers together
        // depends on which comes first, and no order is promised.
        if !hasText || self.random.chance(percent: 10) { reduces += numberReduces + numberReduces }
        return ":reduce (lambda (k vs) \(self.pick(reduces)))"
    }
}
