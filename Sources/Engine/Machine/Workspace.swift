package import FluentSyntax
internal import RegularExpressions

/// What builtins work with: memory for values, buffers, and the count of steps.
@safe
package struct Workspace: ~Copyable {
    package typealias Code = EvaluationError.Code

    package var arena: Arena
    package let limits: MachineLimits
    /// Below zero the slice of steps is used up: ``refill()`` gives the next one, or says why there is none.
    package private(set) var stepsLeft = 0
    /// Steps of the record behind those.
    private var stepsBehind = 0
    /// Whether the work was called off: asked once a slice, so that a lambda that runs long needn't end by itself.
    var isCancelled: (@Sendable () -> Bool)?
    var scratch = ByteBuffer()
    var matcher = RegularExpressionMatcher()
    let regexes: [RegularExpression]

    init(limits: MachineLimits, regexes: [RegularExpression]) {
        self.arena = Arena(limitBytes: limits.memoryBytes)
        self.limits = limits
        self.regexes = regexes
        self.allStepsLeft = limits.steps
    }

    // MARK: Limits

    @inline(__always)
    mutating func count(_ steps: Int) throws(Code) {
        self.stepsLeft &-= steps
        if self.stepsLeft < 0 { try self.refill() }
    }

    /// Steps between two looks at ``isCancelled``: a few milliseconds of most lambdas.
    private static let sliceSteps = 1 << 16

    /// Steps that the record may still take, in this slice and behind it.
    var allStepsLeft: Int {
        get { self.stepsLeft &+ self.stepsBehind }
        set {
            self.stepsLeft = min(newValue, Self.sliceSteps)
            self.stepsBehind = newValue &- self.stepsLeft
        }
    }

    /// Counts steps without a look at what is left.
    @inline(__always)
    mutating func countUnchecked(_ steps: Int = 1) { self.stepsLeft &-= steps }

    /// Goes on with the next slice of steps.
    @inline(never)
    mutating func refill() throws(Code) {
        if let isCancelled = self.isCancelled, isCancelled() { throw .cancelled }
        let left = self.allStepsLeft
        guard left >= 0 else { throw self.stepLimit }
        self.allStepsLeft = left
    }

    /// Counts bytes of text that a builtin reads or makes.
    @inline(__always)
    mutating func count(bytes: Int) throws(Code) {
        try self.count(bytes / Self.bytesPerStep)
    }

    private static let bytesPerStep = 64

    var stepLimit: Code { .stepLimit(Int64(self.limits.steps)) }

    var memoryLimit: Code { .memoryLimit(bytes: Int64(self.limits.memoryBytes)) }

    /// Runs a walk through values that counts as steps of this record.
    @inline(__always)
    mutating func walk<Result>(
        _ builtin: Builtin,
        _ body: (inout ValueWalk) throws(ValueWalkError) -> Result
    ) throws(Code) -> Result {
        var walk = ValueWalk(stepsLeft: self.allStepsLeft)
        do throws(ValueWalkError) {
            let result = try body(&walk)
            self.allStepsLeft = walk.stepsLeft
            return result
        } catch {
            throw self.failure(error, builtin)
        }
    }

    func failure(_ error: ValueWalkError, _ builtin: Builtin) -> Code {
        switch error {
        case .outOfSteps: self.stepLimit
        case .tooLarge: self.memoryLimit
        case .tooDeep:
            .invalidArgument(
                operation: builtin.name,
                reason: "the value is nested deeper than \(ValueWalk.depthLimit) levels"
            )
        case .notStorable(let tag):
            .typeMismatch(
                operation: builtin.name,
                expected: builtin == .toJSON ? "a JSON value" : "a key",
                found: Value(tag, bits: 0).typeName
            )
        }
    }

    // MARK: Values

    @inline(__always)
    mutating func makeElements(_ count: Int) throws(Code) -> Elements {
        guard let elements = self.arena.makeElements(count) else { throw self.memoryLimit }
        return elements
    }

    mutating func makeList(_ values: [Value]) throws(Code) -> Value {
        let elements = try self.makeElements(values.count)
        for index in 0..<values.count { elements[index] = values[index] }
        return Value(.list, of: elements)
    }

    @inline(__always)
    mutating func makeString(_ bytes: Bytes) throws(Code) -> Value {
        guard let value = self.arena.makeText(.string, copying: bytes) else { throw self.memoryLimit }
        return value
    }

    mutating func makeString(_ text: String) throws(Code) -> Value {
        guard let value = self.arena.makeText(.string, utf8: text) else { throw self.memoryLimit }
        return value
    }

    /// A string of what was put in the scratch buffer.
    mutating func takeScratch() throws(Code) -> Value {
        try self.count(bytes: self.scratch.count)
        guard let value = self.arena.makeText(.string, copying: self.scratch.bytes) else { throw self.memoryLimit }
        return value
    }

    mutating func key(_ value: Value, _ builtin: Builtin) throws(Code) -> Value {
        if value.isText || value.has(.integer) { return value }
        var walk = ValueWalk(stepsLeft: self.allStepsLeft)
        do throws(ValueWalkError) {
            return try value.normalisedKey(in: &self.arena, walk: &walk)
        } catch {
            throw self.failure(error, builtin)
        }
    }

    // MARK: Arguments

    func mismatch(_ builtin: Builtin, _ expected: String, _ found: Value) -> Code {
        .typeMismatch(operation: builtin.name, expected: expected, found: found.typeName)
    }

    @inline(__always)
    func text(_ value: Value, _ builtin: Builtin) throws(Code) -> Bytes {
        guard value.has(.string) else { throw self.mismatch(builtin, TypeName.string, value) }
        return value.text
    }

    @inline(__always)
    func integer(_ value: Value, _ builtin: Builtin) throws(Code) -> Int64 {
        guard value.has(.integer) else { throw self.mismatch(builtin, TypeName.integer, value) }
        return value.integer
    }

    @inline(__always)
    func number(_ value: Value, _ builtin: Builtin) throws(Code) -> Double {
        if value.has(.float) { return value.float }
        guard value.has(.integer) else { throw self.mismatch(builtin, TypeName.number, value) }
        return Double(value.integer)
    }

    /// The elements of a sequence; those of a map are `[key value]` lists.
    @inline(__always)
    mutating func elements(_ value: Value, _ builtin: Builtin) throws(Code) -> Elements {
        let elements: Elements
        switch value.tag {
        case .list, .set: elements = value.elements
        case .nil: elements = try self.makeElements(0)
        case .map: elements = try self.makeEntries(of: value)
        default: throw self.mismatch(builtin, TypeName.sequence, value)
        }
        try self.count(elements.count)
        return elements
    }

    static func isSequence(_ value: Value) -> Bool {
        switch value.tag {
        case .list, .set, .map, .nil, .stream: true
        case .boolean, .integer, .float, .string, .symbol, .keyword, .function, .regex, .builtin, .handle: false
        }
    }

    private mutating func makeEntries(of map: Value) throws(Code) -> Elements {
        let pairs = map.pairs
        let lists = try self.makeElements(map.count)
        let copies = try self.makeElements(pairs.count)
        copies.copy(pairs)
        for index in 0..<map.count { lists[index] = Value(.list, of: copies.slice(2 * index, 2 * index + 2)) }
        return lists
    }
}
