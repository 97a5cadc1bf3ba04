/// The forms whose arguments aren't simply evaluated: their names can't be defined or bound.
enum SpecialForm: String, CaseIterable {
    case lambda
    case fn
    case `let`
    case letrec
    case define
    case `if`
    case when
    case unless
    case cond
    case and
    case or
    case `do`
    case begin
    case `for`
    case match
    case attempt = "try"
    case threadFirst = "->"
    case threadLast = "->>"
    case pipe = "|>"
    case assign = "set!"
    case quote
    case mapReduce = "define-mapreduce"
    case streamingJob = "define-streaming-job"
    case streamProcessor = "define-stream-processor"

    /// Words that only mean something inside another form, and which.
    static func form(containing word: String) -> String? {
        switch word {
        case "else": "cond"
        case "catch", "finally": "try"
        default: nil
        }
    }

    /// How it is written, for messages.
    var usage: String {
        switch self {
        case .lambda: "(lambda (a b) body…)"
        case .fn: "(fn (a b) body…)"
        case .let: "(let ((name value)…) body…) or (let [name value…] body…)"
        case .letrec: "(letrec ((name (lambda (…) …))…) body…)"
        case .define: "(define name value) or (define (name a b) body…)"
        case .if: "(if condition then else)"
        case .when: "(when condition body…)"
        case .unless: "(unless condition body…)"
        case .cond: "(cond (condition result)… (else result))"
        case .and: "(and a b…)"
        case .or: "(or a b…)"
        case .do: "(do body…)"
        case .begin: "(begin body…)"
        case .for: "(for (x xs) body…)"
        case .match: "(match value (pattern result)… (_ result))"
        case .attempt: "(try body… (catch e handler…) (finally cleanup…))"
        case .threadFirst: "(-> value (f a) g)"
        case .threadLast: "(->> value (f a) g)"
        case .pipe: "(|> value (f a) g)"
        case .assign: "(let ((name new-value)) …)"
        case .quote: "(quote form) or 'form"
        case .mapReduce: "(define-mapreduce name :input … :output … :map … :reduce …)"
        case .streamingJob: "(define-streaming-job name :input … :output … :window … :map … :reduce …)"
        case .streamProcessor:
            "(define-stream-processor name :source … :sink … (filter …)… (map …)… "
                + "(window … (group-by … (aggregate …))))"
        }
    }
}
