/// The heads of lists that aren't calls.
enum SpecialForm: String {
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
    case `try`
    case quote
    case threadFirst = "->"
    case threadLast = "->>"
    case pipe = "|>"
}
