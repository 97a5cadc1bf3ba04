internal import CKernels
package import FluentSyntax
internal import RegularExpressions

/// A function of a ``CompiledProgram``.
package struct FunctionIndex: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }
}

/// Bytecode with everything it refers to: immutable, shared by any number of machines and threads.
@safe
package final class CompiledProgram: Sendable {
    package struct Function: Sendable {
        /// What messages call it; may be empty.
        package let name: String
        package let parameterCount: Int
        package let registerCount: Int
        package let codeStart: Int
        package let codeCount: Int
        /// As written: what travels when a value of it does.
        package let lambda: Lambda?
        /// For each of `lambda.captured`: whether its closure objects hold the value, in that order.
        package let capturedInObject: [Bool]
        /// The values of the others; nil also where a function captured itself.
        package let capturedConstants: [Constant?]
    }

    /// What a machine needs of a function to call it.
    @unsafe
    struct Entry: BitwiseCopyable {
        let code: UnsafePointer<Instruction>
        let parameterCount: Int
        let registerCount: Int
    }

    struct ConnectorShape: Sendable {
        let name: String
        let argumentCount: Int
        let optionNames: [String]
    }

    package let functions: [Function]
    let ranges: [SourceRange]
    let regexes: [RegularExpression]
    let connectors: [ConnectorShape]

    /// The tables that its functions look up: the value of each is a handle with its index.
    package let tables: [ConnectorCall]
    package let globalNames: [String]
    /// For each builtin that calls functions: the compiled function that a value of it stands for.
    let stubs: [Builtin: FunctionIndex]

    // SAFETY: written by `init` before anything else sees the program, freed by `deinit`.
    nonisolated(unsafe) let code: UnsafeMutablePointer<Instruction>
    nonisolated(unsafe) let constants: UnsafeMutablePointer<Value>
    nonisolated(unsafe) let entries: UnsafeMutablePointer<Entry>
    /// Constants that aren't scalars, and records of regexes.
    private let memory: PermanentMemory

    init(_ parts: consuming ProgramParts) {
        self.functions = parts.functions
        self.ranges = parts.ranges
        self.regexes = parts.regexes
        self.connectors = parts.connectors
        self.tables = parts.tables
        self.globalNames = parts.globalNames
        self.stubs = parts.stubs
        unsafe self.code = .allocate(capacity: max(parts.code.count, 1))
        for index in 0..<parts.code.count { unsafe self.code[index] = parts.code[index] }
        unsafe self.constants = .allocate(capacity: max(parts.constants.count, 1))
        for index in 0..<parts.constants.count { unsafe self.constants[index] = parts.constants[index] }
        unsafe self.entries = .allocate(capacity: max(parts.functions.count, 1))
        for (index, function) in parts.functions.enumerated() {
            unsafe self.entries[index] = Entry(
                code: self.code + function.codeStart,
                parameterCount: function.parameterCount,
                registerCount: function.registerCount
            )
        }
        self.memory = parts.memory
    }

    deinit {
        unsafe self.code.deallocate()
        unsafe self.constants.deallocate()
        unsafe self.entries.deallocate()
    }

    /// The place in the program text of the instruction before `next`.
    func range(before next: UnsafePointer<Instruction>) -> SourceRange {
        let index = unsafe next - UnsafePointer(self.code) - 1
        return index >= 0 && index < self.ranges.count ? self.ranges[index] : SourceRange(start: 0, end: 0)
    }
}

/// What the compiler gathers for a program.
struct ProgramParts {
    var functions: [CompiledProgram.Function] = []
    var code: [Instruction] = []
    var ranges: [SourceRange] = []
    var constants: [Value] = []
    var regexes: [RegularExpression] = []
    var connectors: [CompiledProgram.ConnectorShape] = []
    var tables: [ConnectorCall] = []
    var globalNames: [String] = []
    var stubs: [Builtin: FunctionIndex] = [:]
    let memory: PermanentMemory
}

/// An arena that lives as long as a program, and isn't written once the program is built.
final class PermanentMemory: Sendable {
    private static let byteLimit = 1 << 30

    // SAFETY: only the compiler writes, on one thread, before the program is shared.
    nonisolated(unsafe) private(set) var arena = Arena(limitBytes: PermanentMemory.byteLimit)

    func withArena<Result>(_ body: (inout Arena) -> Result) -> Result {
        unsafe body(&self.arena)
    }
}

/// What a value of a regex points at, in its program's memory.
@safe
struct RegexRecord: BitwiseCopyable {
    /// Index in the program's table.
    let index: Int
    let pattern: UnsafePointer<UInt8>
    let patternCount: Int
    /// The members where the pattern is one byte class; otherwise nil.
    let byteClass: UnsafePointer<weir_byte_class>?
    /// Whether the class has a `+`.
    let isRepeated: Bool
}

extension Value {
    @inline(__always)
    var regexRecord: RegexRecord {
        unsafe self.address.load(as: RegexRecord.self)
    }

    var regexPattern: Bytes {
        let record = self.regexRecord
        return unsafe Bytes(start: record.pattern, count: record.patternCount)
    }
}
