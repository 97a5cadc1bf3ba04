/// Why evaluating an expression failed: the same on every machine that runs the language.
///
/// Two evaluations agree when their `code`s are equal and they failed at the same `range`.
package struct EvaluationError: Error, Hashable, Sendable {
    package enum Code: Error, Hashable, Sendable {
        /// `operation` is the builtin's name, or `call`, `emit`, `for`; the other two are names of types as
        /// ``TypeName`` writes them.
        case typeMismatch(operation: String, expected: String, found: String)
        case integerOverflow(operation: String)
        case divisionByZero(operation: String)
        case indexOutOfRange(operation: String, index: Int64, count: Int64)
        /// A value of the right type that makes no sense there: `(range 0 10 0)`.
        case invalidArgument(operation: String, reason: String)
        case argumentCount(function: String, expected: Int, found: Int)
        /// No clause of a `match` fits.
        case noMatch
        /// `throw`: the value, as `str` prints it.
        case thrown(String)
        /// A global used before its `define` ran.
        case undefined(name: String)
        case stepLimit(Int64)
        case memoryLimit(bytes: Int64)
        case callDepthLimit(Int64)
        /// A regular expression needed more work than is allowed: it backtracks catastrophically.
        case regexLimit
        /// A parameter without a default that the command line doesn't set.
        case unsetParameter(name: String)
        /// The work that this belongs to was called off.
        case cancelled
        /// A host function failed: a job that can't be submitted, a wait that failed.
        case host(message: String)
    }

    package let code: Code
    package let range: SourceRange

    package init(_ code: Code, at range: SourceRange) {
        self.code = code
        self.range = range
    }
}

extension EvaluationError.Code {
    /// A kebab-case name, which a `catch` clause sees as `:error`.
    package var name: String {
        switch self {
        case .typeMismatch: "type-mismatch"
        case .integerOverflow: "integer-overflow"
        case .divisionByZero: "division-by-zero"
        case .indexOutOfRange: "index-out-of-range"
        case .invalidArgument: "invalid-argument"
        case .argumentCount: "argument-count"
        case .noMatch: "no-match"
        case .thrown: "thrown"
        case .undefined: "undefined"
        case .stepLimit: "step-limit"
        case .memoryLimit: "memory-limit"
        case .callDepthLimit: "call-depth-limit"
        case .regexLimit: "regex-limit"
        case .unsetParameter: "unset-parameter"
        case .cancelled: "cancelled"
        case .host: "host"
        }
    }

    /// Whether it is the program that is wrong, whatever the values are.
    package var isProgramFault: Bool {
        switch self {
        case .undefined, .unsetParameter: true
        default: false
        }
    }

    /// What happened and what to do about it, in one sentence without a full stop.
    package var message: String { self.message(evaluating: "one record") }

    /// As ``message``, where limits are those of something else than a record: `one key`.
    package func message(evaluating what: String) -> String {
        switch self {
        case .typeMismatch(let operation, let expected, let found):
            "\(operation) needs \(expected), got \(found)"
        case .integerOverflow(let operation):
            "\(operation) overflows a 64-bit integer; use floats if approximate values are fine"
        case .divisionByZero(let operation):
            "\(operation) by zero; test the divisor first"
        case .indexOutOfRange("substring", let index, let count):
            "substring: position \(index) is before its start or behind the end of the text, which has \(count) characters"
        case .indexOutOfRange(let operation, let index, let count):
            "\(operation): index \(index) is outside 0..<\(count); give a default as the last argument"
        case .invalidArgument(let operation, let reason):
            "\(operation): \(reason)"
        case .argumentCount(let function, let expected, let found):
            "\(function.isEmpty ? "the function" : function) takes \(expected) argument\(expected == 1 ? "" : "s"), got \(found)"
        case .noMatch:
            "no clause of this match fits the value; add a clause with _"
        case .thrown(let value):
            "uncaught throw: \(value)"
        case .undefined(let name):
            "\(name) is used before its define has run; move its define above the form, or the job, that uses it"
        case .stepLimit(let limit):
            "\(what) took more than \(limit) step\(limit == 1 ? "" : "s"); is there an endless loop or recursion? (--step-limit raises the limit)"
        case .memoryLimit(let bytes):
            "\(what) needed more than \(bytes) byte\(bytes == 1 ? "" : "s"); build smaller values (--record-memory raises the limit)"
        case .callDepthLimit(let limit):
            "calls are nested deeper than \(limit); is there an endless recursion?"
        case .regexLimit:
            "this regular expression backtracks too much on this input; make its repetitions unambiguous"
        case .unsetParameter(let name):
            "the parameter \(name) isn't set; pass it as -D \(name)=…, or give it a default: (param \"\(name)\" \"…\")"
        case .cancelled:
            "\(what) wasn't finished: the job was cancelled"
        case .host(let message):
            message
        }
    }
}

/// The names of types in messages.
package enum TypeName {
    package static let `nil` = "nil"
    package static let boolean = "a boolean"
    package static let integer = "an integer"
    package static let float = "a float"
    package static let number = "a number"
    package static let string = "a string"
    package static let symbol = "a symbol"
    package static let keyword = "a keyword"
    package static let list = "a list"
    package static let map = "a map"
    package static let set = "a set"
    package static let function = "a function"
    package static let regex = "a regex"
    package static let sequence = "a sequence"
    package static let handle = "a handle"
}
