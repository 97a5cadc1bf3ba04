/// A checked program in a small core language: what the planner analyses and the engine compiles.
///
/// Lowering from ``SyntaxNode`` resolves every name, expands `cond`, `when`, `unless`, `->`, `->>`, `|>`, `do`,
/// aliases of builtins and several-binding `for`s, so that no other stage knows how they were written.
package struct Expression: Sendable {
    package indirect enum Kind: Sendable {
        case constant(Constant)
        case variable(Variable)
        /// A name `define`d at the top level of the program.
        case global(String)
        /// Sequential bindings, then the body.
        case `let`([Binding], body: Expression)
        /// Functions that may call each other, then the body.
        case letrec([FunctionBinding], body: Expression)
        case `if`(condition: Expression, then: Expression, else: Expression)
        /// Short-circuit; the deciding value. `(and)` is true, `(or)` is nil.
        case and([Expression])
        case or([Expression])
        /// At least one; the value of the last.
        case sequence([Expression])
        case lambda(Lambda)
        /// A call of a function value; `Lambda.name` and `Variable` tell self tail calls.
        case call(function: Expression, arguments: [Expression])
        case builtin(Builtin, arguments: [Expression])
        case list([Expression])
        case map([MapEntry])
        /// `(for (x xs) body)`: evaluates the body for each element in turn. Its value is the list of the
        /// body's values, flattened one level per extra binding (`isNested`: the body is the inner `for` of
        /// the same form); nothing is collected where the value isn't used.
        case forEach(Variable, sequence: Expression, body: Expression, isNested: Bool)
        case match(Expression, [MatchClause])
        case attempt(body: Expression, handler: CatchClause?, cleanup: Expression?)
        /// A call of a source or sink constructor: `(distributed-files "…" :format 'csv)`.
        case connector(name: String, arguments: [Expression], options: [JobForm.Option])
        /// `define` at the top level.
        case define(String, Expression)
        /// `define-mapreduce` and its relatives: the options as written, lowered but not evaluated.
        case defineJob(JobForm)
    }

    package let kind: Kind
    package let range: SourceRange

    package init(_ kind: Kind, range: SourceRange) {
        self.kind = kind
        self.range = range
    }
}

/// A bound name.
///
/// Two bindings of one name are two variables: `id` is unique within a program.
package struct Variable: Hashable, Sendable {
    package let id: Int
    package let name: String

    package init(id: Int, name: String) {
        self.id = id
        self.name = name
    }
}

package struct Binding: Sendable {
    package let variable: Variable
    package let value: Expression

    package init(_ variable: Variable, _ value: Expression) {
        self.variable = variable
        self.value = value
    }
}

package struct FunctionBinding: Sendable {
    package let variable: Variable
    package let lambda: Lambda

    package init(_ variable: Variable, _ lambda: Lambda) {
        self.variable = variable
        self.lambda = lambda
    }
}

/// A function as written.
package struct Lambda: Sendable {
    /// What messages call it: the name it is bound to, or empty.
    package let name: String
    package let parameters: [Variable]
    package let body: Expression

    /// The variables of enclosing functions that the body uses, in order of first use.
    package let captured: [Variable]
    package let range: SourceRange

    package init(
        name: String,
        parameters: [Variable],
        body: Expression,
        captured: [Variable],
        range: SourceRange
    ) {
        self.name = name
        self.parameters = parameters
        self.body = body
        self.captured = captured
        self.range = range
    }
}

package struct MapEntry: Sendable {
    package let key: Expression
    package let value: Expression

    package init(_ key: Expression, _ value: Expression) {
        self.key = key
        self.value = value
    }
}

package struct MatchClause: Sendable {
    package let pattern: Pattern
    package let body: Expression

    package init(_ pattern: Pattern, _ body: Expression) {
        self.pattern = pattern
        self.body = body
    }
}

package indirect enum Pattern: Sendable {
    /// `_`
    case any
    case binding(Variable)
    /// Equal to it, as `=` tells.
    case constant(Constant)
    /// `[a b c]`: a list of exactly this length.
    case list([Pattern])
    /// `(head a b)`: a list that begins with the symbol `head`, of exactly this length.
    case message(head: String, [Pattern])
    /// `{:key pattern}`: a map that has these keys; others may be there too.
    case map([MapPatternEntry])
    /// `(when pattern guard)`
    case guarded(Pattern, Expression)
}

package struct MapPatternEntry: Sendable {
    package let key: Constant
    package let pattern: Pattern

    package init(_ key: Constant, _ pattern: Pattern) {
        self.key = key
        self.pattern = pattern
    }
}

package struct CatchClause: Sendable {
    package let variable: Variable
    package let body: Expression

    package init(_ variable: Variable, _ body: Expression) {
        self.variable = variable
        self.body = body
    }
}

/// A form that defines a job, its option values lowered.
package struct JobForm: Sendable {
    package enum Kind: String, Sendable {
        case mapReduce = "define-mapreduce"
        case streamingJob = "define-streaming-job"
        case streamProcessor = "define-stream-processor"
    }

    package struct Option: Sendable {
        /// Without the colon.
        package let name: String
        package let value: Expression

        package init(name: String, value: Expression) {
            self.name = name
            self.value = value
        }
    }

    package let kind: Kind
    package let name: String
    package let options: [Option]

    /// The clauses of a `define-stream-processor`; nil for other forms.
    package let processor: ProcessorForm?

    package init(kind: Kind, name: String, options: [Option], processor: ProcessorForm? = nil) {
        self.kind = kind
        self.name = name
        self.options = options
        self.processor = processor
    }
}

/// A checked program: its top-level forms in order.
package struct Program: Sendable {
    package let source: SourceFile
    package let forms: [Expression]

    /// Whether it defines a job that reads as long as it runs; jobs are defined at the top level.
    package var definesStream: Bool {
        self.forms.contains { form in
            if case .defineJob(let job) = form.kind { job.kind.isStream } else { false }
        }
    }

    package init(source: SourceFile, forms: [Expression]) {
        self.source = source
        self.forms = forms
    }
}
