package import FluentSyntax
internal import RegularExpressions

/// Turns lambdas and programs into a ``CompiledProgram``.
///
/// Add all functions that one machine is to run, then ``finish()``.
package struct ProgramCompiler {
    /// Where global names are found.
    struct Scope {
        /// Nil: in slots of the machine, as at the top level of a program.
        let constants: [String: Constant]?
        let parent: Int?
        var compiled: [String: Int] = [:]
    }

    /// A function whose body is still to be compiled.
    struct Pending {
        let function: Int
        let lambda: Lambda
        /// For each of `lambda.captured`: a constant, or nil where the closure object holds it.
        let captured: [Int?]
        let scope: Int
        let selfVariable: Int?
        let selfGlobal: String?
    }

    var parts = ProgramParts(memory: PermanentMemory())
    var scopes: [Scope] = []
    var pending: [Pending] = []
    /// What each constant was made of, where that is known.
    var constantSources: [Constant?] = []
    var constantIndexes: [Constant: Int] = [:]
    /// The function that a constant closure calls.
    var constantFunctions: [Int: Int] = [:]
    var regexIndexes: [String: Int] = [:]
    var globalSlots: [String: Int] = [:]

    package init() {
        self.addStubs()
    }

    /// Adds a lambda with what it captured.
    package mutating func add(_ closure: Closure) throws(CompilationError) -> FunctionIndex {
        let index = try self.constant(
            .function(closure),
            scope: self.makeScope(closure.globals),
            at: closure.lambda.range
        )
        try self.compilePending()
        guard let function = self.constantFunctions[index] else {
            preconditionFailure("a closure is always compiled to a function")
        }
        return FunctionIndex(rawValue: function)
    }

    /// Adds a lambda, or a function around a builtin that takes so many arguments.
    package mutating func add(
        function: Constant,
        argumentCount: Int,
        at range: SourceRange
    ) throws(CompilationError) -> FunctionIndex {
        switch function {
        case .function(let closure):
            return try self.add(closure)
        case .builtin(let builtin):
            let parameters = (0..<argumentCount).map { Variable(id: -1 - $0, name: "argument\($0)") }
            let arguments = parameters.map { Expression(.variable($0), range: range) }
            let lambda = Lambda(
                name: builtin.name,
                parameters: parameters,
                body: Expression(.builtin(builtin, arguments: arguments), range: range),
                captured: [],
                range: range
            )
            return try self.add(Closure(lambda: lambda, captured: [], globals: [:]))
        default:
            throw CompilationError(
                "not-a-function",
                "a function is needed here",
                help: "give a lambda or the name of a function",
                at: range
            )
        }
    }

    /// The immutable program.
    package consuming func finish() -> CompiledProgram {
        precondition(self.pending.isEmpty, "every added function is compiled before the program is finished")
        self.parts.globalNames = self.globalSlots.sorted { $0.value < $1.value }.map(\.key)
        return CompiledProgram(self.parts)
    }

    mutating func makeScope(_ constants: [String: Constant]?, parent: Int? = nil) -> Int {
        self.scopes.append(Scope(constants: constants, parent: parent))
        return self.scopes.count - 1
    }

    /// Reserves the number of a function whose body comes later.
    mutating func declare(
        _ lambda: Lambda,
        captured: [Int?],
        scope: Int,
        selfVariable: Int? = nil,
        selfGlobal: String? = nil
    ) -> Int {
        let number = self.parts.functions.count
        self.parts.functions.append(
            CompiledProgram.Function(
                name: lambda.name,
                parameterCount: lambda.parameters.count,
                registerCount: 0,
                codeStart: 0,
                codeCount: 0,
                lambda: lambda,
                capturedConstants: captured.map { index in index.flatMap { self.constantSources[$0] } }
            )
        )
        self.pending.append(
            Pending(
                function: number,
                lambda: lambda,
                captured: captured,
                scope: scope,
                selfVariable: selfVariable,
                selfGlobal: selfGlobal
            )
        )
        return number
    }

    mutating func compilePending() throws(CompilationError) {
        while let next = self.pending.popLast() {
            var builder = FunctionBuilder(
                scope: next.scope,
                name: next.lambda.name,
                parameterCount: next.lambda.parameters.count,
                selfVariable: next.selfVariable,
                selfGlobal: next.selfGlobal
            )
            for (register, parameter) in next.lambda.parameters.enumerated() {
                builder.locations[parameter.id] = .register(register)
            }
            var slot = 0
            for (variable, constant) in zip(next.lambda.captured, next.captured) {
                if let constant {
                    builder.locations[variable.id] = .constant(constant)
                } else {
                    builder.locations[variable.id] = .captured(slot)
                    slot += 1
                }
            }
            try self.compileTail(next.lambda.body, in: &builder)
            try self.install(builder, as: next.function, lambda: next.lambda)
        }
    }

    /// Gives a declared function its code.
    mutating func install(_ builder: FunctionBuilder, as number: Int, lambda: Lambda?) throws(CompilationError) {
        let isTooLarge =
            builder.registerCount > FunctionBuilder.registerLimit
            || builder.code.count > FunctionBuilder.codeLimit
        if isTooLarge {
            throw CompilationError(
                "function-too-large",
                "this function is too large to compile",
                help: "split it into several functions",
                at: lambda?.range ?? FunctionBuilder.nowhere
            )
        }
        let declared = self.parts.functions[number]
        self.parts.functions[number] = CompiledProgram.Function(
            name: builder.name,
            parameterCount: builder.parameterCount,
            registerCount: builder.registerCount,
            codeStart: self.parts.code.count,
            codeCount: builder.code.count,
            lambda: lambda,
            capturedConstants: declared.capturedConstants
        )
        self.parts.code += builder.code
        self.parts.ranges += builder.ranges
    }
}
