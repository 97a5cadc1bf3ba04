internal import FluentSyntax

/// The code of one function while it is compiled.
struct FunctionBuilder {
    /// Where the value of a variable is found.
    enum Location {
        case register(Int)
        /// A captured value of the running closure.
        case captured(Int)
        /// Known when compiling.
        case constant(Int)
    }

    /// Where all instructions of functions that no program text contains lie.
    static let nowhere = SourceRange(start: -1, end: -1)
    static let registerLimit = 60_000
    /// Conditional jumps reach so far.
    static let codeLimit = 32_000

    let scope: Int
    let name: String
    let parameterCount: Int
    /// The variable or global by which the function can call itself.
    let selfVariable: Int?
    let selfGlobal: String?

    private(set) var code: [Instruction] = []
    private(set) var ranges: [SourceRange] = []
    private(set) var registerCount: Int
    var nextRegister: Int
    var locations: [Int: Location] = [:]

    init(scope: Int, name: String, parameterCount: Int, selfVariable: Int? = nil, selfGlobal: String? = nil) {
        self.scope = scope
        self.name = name
        self.parameterCount = parameterCount
        self.selfVariable = selfVariable
        self.selfGlobal = selfGlobal
        self.registerCount = parameterCount
        self.nextRegister = parameterCount
    }

    /// The next so many registers, free until ``nextRegister`` is set back.
    mutating func allocate(_ count: Int = 1) -> Int {
        let first = self.nextRegister
        self.nextRegister += count
        self.registerCount = max(self.registerCount, self.nextRegister)
        return first
    }

    @discardableResult
    mutating func emit(_ instruction: Instruction, _ range: SourceRange) -> Int {
        self.code.append(instruction)
        self.ranges.append(range)
        return self.code.count - 1
    }

    var position: Int { self.code.count }

    /// Makes the jump at `index` go to the next instruction.
    mutating func land(_ index: Int) {
        let distance = self.code.count - index - 1
        switch self.code[index].opcode {
        case .jump, .jumpIfFalse, .jumpIfTrue, .jumpUnlessMap, .pushHandler, .pushCleanup:
            self.code[index] = self.code[index].jumping(wide: distance)
        default:
            self.code[index] = self.code[index].jumping(distance)
        }
    }

    mutating func land(_ indexes: [Int]) {
        for index in indexes { self.land(index) }
    }

    mutating func jumpBack(to target: Int, _ range: SourceRange) {
        self.emit(Instruction(.jumpBack, wide: target - self.code.count - 1), range)
    }

    /// Ends a round of a loop over pieces of text; `target` is where its body begins.
    mutating func splitAgain(state: Int, element: Int, to target: Int, _ range: SourceRange) {
        let distance = target - self.code.count - 1
        self.emit(Instruction(.splitAgain, a: state, b: element, c: distance), range)
    }

    mutating func move(_ source: Int, to destination: Int, _ range: SourceRange) {
        if source != destination { self.emit(Instruction(.move, a: destination, b: source), range) }
    }
}
