package import FluentSyntax

/// Runs functions of a ``CompiledProgram``: one per thread.
///
/// Values that a call returns, emits or hands to the host live in the machine's arena, in the program or in the caller's
/// memory, and are gone with the next ``beginRecord()``.
@safe
package struct Machine<Host: MachineHost & ~Copyable>: ~Copyable {
    typealias Code = EvaluationError.Code

    /// The caller of the function that runs.
    @unsafe
    struct Frame: BitwiseCopyable {
        let returnAddress: UnsafePointer<Instruction>
        let base: Int
        let extent: Int
        let destination: Int
    }

    /// A `try` that is being evaluated.
    @unsafe
    struct Recovery: BitwiseCopyable {
        let target: UnsafePointer<Instruction>
        let depth: Int
        let base: Int
        let extent: Int
        let register: Int
        let isCleanup: Bool
    }

    package let program: CompiledProgram
    package var workspace: Workspace

    var stack: UnsafeMutablePointer<Value>
    var stackCapacity: Int
    var frames: UnsafeMutablePointer<Frame>
    var frameCapacity: Int
    /// Calls that haven't returned.
    var depth = 0
    /// Where the registers of the running function begin in the stack, and end.
    var base = 1
    var extent = 1
    /// After the instruction that runs, whenever it can fail.
    var next: UnsafePointer<Instruction>
    var recoveries: [Recovery] = unsafe []
    var pendingErrors: [EvaluationError] = []
    /// The value of the `throw` that fails.
    var thrown = Value.nil
    let globals: UnsafeMutablePointer<Value>
    /// How many values each stream has given since it was rewound.
    var streamPositions: [Int] = []
    /// Bytes in use that make a collection worth it.
    var collectionThreshold: Int

    package var host: Host

    /// That of the host, or `noPairs`.
    private(set) var pairCursor: UnsafeMutablePointer<PairCursor>
    /// A cursor that takes nothing.
    private let noPairs: UnsafeMutablePointer<PairCursor>

    static var collectionBytesMinimum: Int { 1 << 20 }

    /// Room behind the registers of whatever runs, for builtins: the stack never moves while one works.
    static var stackHeadroom: Int { 8 }

    package init(program: CompiledProgram, limits: MachineLimits = MachineLimits(), host: consuming Host) {
        self.program = program
        self.workspace = Workspace(limits: limits, regexes: program.regexes)
        self.stackCapacity = 256
        unsafe self.stack = .allocate(capacity: self.stackCapacity)
        unsafe self.stack.initialize(repeating: .nil, count: self.stackCapacity)
        self.frameCapacity = 16
        unsafe self.frames = .allocate(capacity: self.frameCapacity)
        unsafe self.next = UnsafePointer(program.code)
        let globalCount = program.globalNames.count
        unsafe self.globals = .allocate(capacity: max(globalCount, 1))
        unsafe self.globals.initialize(repeating: Self.unsetGlobal, count: max(globalCount, 1))
        self.collectionThreshold = Self.collectionBytesMinimum
        unsafe self.noPairs = .allocate(capacity: 1)
        unsafe self.noPairs.initialize(to: PairCursor(keys: .allocate(capacity: 1), values: .allocate(capacity: 1)))
        unsafe self.pairCursor = self.noPairs
        self.host = host
        if let reference = unsafe self.host.pairCursor { unsafe self.pairCursor = reference.cursor }
    }

    deinit {
        unsafe self.noPairs.pointee.keys.deallocate()
        unsafe self.noPairs.pointee.values.deallocate()
        unsafe self.noPairs.deallocate()
        unsafe self.stack.deallocate()
        unsafe self.frames.deallocate()
        unsafe self.globals.deallocate()
    }

    /// Forgets all values of the record before, and gives the next one its full limits.
    @inline(__always)
    package mutating func beginRecord() {
        self.workspace.arena.reset()
        self.workspace.allStepsLeft = self.workspace.limits.steps
        self.collectionThreshold = Self.collectionBytesMinimum
        if !self.pendingErrors.isEmpty { self.pendingErrors.removeAll() }
        if !self.streamPositions.isEmpty { self.streamPositions.removeAll(keepingCapacity: true) }
    }

    /// Makes lambdas that run long look at `isCancelled` now and then, and fail when it says so.
    package mutating func stop(when isCancelled: @escaping @Sendable () -> Bool) {
        self.workspace.isCancelled = isCancelled
    }

    /// Gives the next form its full steps, and keeps all values: for the top level of a program.
    package mutating func beginForm() {
        self.workspace.allStepsLeft = self.workspace.limits.steps
    }

    // MARK: Calls

    @inline(__always)
    package mutating func call(_ function: FunctionIndex) throws(EvaluationError) -> Value {
        try self.start(function, argumentCount: 0)
    }

    @inline(__always)
    package mutating func call(_ function: FunctionIndex, _ first: Value) throws(EvaluationError) -> Value {
        unsafe self.stack[1] = first
        return try self.start(function, argumentCount: 1)
    }

    @inline(__always)
    package mutating func call(
        _ function: FunctionIndex,
        _ first: Value,
        _ second: Value
    ) throws(EvaluationError) -> Value {
        unsafe self.stack[1] = first
        unsafe self.stack[2] = second
        return try self.start(function, argumentCount: 2)
    }

    @inline(__always)
    package mutating func call(
        _ function: FunctionIndex,
        _ first: Value,
        _ second: Value,
        _ third: Value
    ) throws(EvaluationError) -> Value {
        unsafe self.stack[1] = first
        unsafe self.stack[2] = second
        unsafe self.stack[3] = third
        return try self.start(function, argumentCount: 3)
    }

    package mutating func call(_ function: FunctionIndex, _ arguments: [Value]) throws(EvaluationError) -> Value {
        self.growStack(to: arguments.count + 1)
        for (index, argument) in arguments.enumerated() { unsafe self.stack[index + 1] = argument }
        return try self.start(function, argumentCount: arguments.count)
    }

    @inline(__always)
    private mutating func start(_ function: FunctionIndex, argumentCount: Int) throws(EvaluationError) -> Value {
        let entry = unsafe self.program.entries[function.rawValue]
        if unsafe entry.parameterCount != argumentCount {
            throw self.wrongCount(function, argumentCount)
        }
        let extent = unsafe 1 &+ entry.registerCount
        if extent &+ Self.stackHeadroom > self.stackCapacity { self.growStack(to: extent &+ Self.stackHeadroom) }
        // What earlier calls left in registers may point at memory that is gone.
        for index in (1 &+ argumentCount)..<Swift.max(extent, 1 &+ argumentCount) { unsafe self.stack[index] = .nil }
        self.base = 1
        self.extent = extent
        self.depth = 0
        unsafe self.next = entry.code
        return try self.runToEnd()
    }

    private func wrongCount(_ function: FunctionIndex, _ found: Int) -> EvaluationError {
        let called = self.program.functions[function.rawValue]
        let code = Code.argumentCount(function: called.name, expected: called.parameterCount, found: found)
        return EvaluationError(code, at: called.lambda?.range ?? SourceRange(start: 0, end: 0))
    }

    // MARK: Globals

    /// What a global slot holds before its `define` has run: no value of the language has this tag.
    static var unsetGlobal: Value { Value(bits: 0, meta: 0xFF) }

    /// Sets a global that the program refers to; one that it doesn't is ignored.
    package mutating func setGlobal(_ name: String, to value: Value) {
        guard let slot = self.program.globalNames.firstIndex(of: name) else { return }
        unsafe self.globals[slot] = value
    }

    /// The value of a global, or nil before its `define` has run.
    package func global(_ name: String) -> Value? {
        guard let slot = self.program.globalNames.firstIndex(of: name) else { return nil }
        let value = unsafe self.globals[slot]
        return value.rawTag == Self.unsetGlobal.rawTag ? nil : value
    }

    // MARK: Memory

    mutating func growStack(to count: Int) {
        guard count > self.stackCapacity else { return }
        let capacity = Swift.max(count, self.stackCapacity * 2)
        let grown = UnsafeMutablePointer<Value>.allocate(capacity: capacity)
        unsafe grown.initialize(repeating: .nil, count: capacity)
        unsafe grown.update(from: self.stack, count: self.stackCapacity)
        unsafe self.stack.deallocate()
        unsafe self.stack = grown
        self.stackCapacity = capacity
    }

    mutating func growFrames() {
        let capacity = self.frameCapacity * 2
        let grown = UnsafeMutablePointer<Frame>.allocate(capacity: capacity)
        unsafe grown.update(from: self.frames, count: self.frameCapacity)
        unsafe self.frames.deallocate()
        unsafe self.frames = grown
        self.frameCapacity = capacity
    }
}
