/// A function of the language that every machine knows: ``name`` is what programs write.
///
/// A new builtin is a case here and a row in ``signature``; the reference interpreter, the machine and
/// `docs/language.md` don't compile or pass until they know it.
package enum Builtin: UInt16, CaseIterable, Hashable, Sendable {
    case add
    case subtract
    case multiply
    case divide
    case quotient
    case remainder
    case modulo
    case increment
    case decrement
    case absolute
    case floor
    case ceiling
    case round
    case squareRoot
    case power
    case equal
    case notEqual
    case less
    case lessOrEqual
    case greater
    case greaterOrEqual
    case not
    case isNil
    case isEmpty
    case isString
    case isNumber
    case isInteger
    case isFloat
    case isBoolean
    case isList
    case isMap
    case isSet
    case isKeyword
    case isSymbol
    case isFunction
    case str
    case split
    case join
    case trim
    case lower
    case upper
    case replace
    case contains
    case startsWith
    case endsWith
    case substring
    case reMatch
    case reFindAll
    case format
    case parseInt
    case parseFloat
    case keyword
    case symbol
    case name
    case get
    case getIn
    case assoc
    case dissoc
    case update
    case keys
    case vals
    case merge
    case set
    case conj
    case list
    case count
    case first
    case rest
    case last
    case nth
    case take
    case drop
    case concat
    case append
    case cons
    case reverse
    case sort
    case sortBy
    case distinct
    case range
    case map
    case filter
    case reduce
    case fold
    case flatMap
    case groupBy
    case zip
    case any
    case all
    case forEachCall
    case apply
    case sum
    case min
    case max
    case mean
    case countDistinct
    case quantile
    case parseJSON
    case toJSON
    case now
    case parseTime
    case formatTime
    case hash
    case uuid
    case println
    case logInfo
    case logWarn
    case logError
    case alert
    case throwValue
    case emit
    case windowStart
    case windowEnd
    case pane
    case state
    case setState
    case setTimer
    case groupKey
    case lookup
    case emitTo
    case messageKey
    case messageHeader
    case messageTopic
    case messagePartition
    case messageOffset
    case sourceName
    case param
    case submitJob
    case await
    case jobWaitCompletion
    case jobGetResults
    case jobStatus
    case jobCancel
    case jobID
}

extension Builtin {
    /// What a program may write for a builtin, and with how many arguments.
    package struct Signature: Hashable, Sendable {
        package let name: String
        package let minimumCount: Int
        /// Nil: any number.
        package let maximumCount: Int?
        /// Other names of the same function: FluentAI's long ones.
        package let aliases: [String]

        init(_ name: String, _ minimumCount: Int, _ maximumCount: Int?, _ aliases: [String] = []) {
            self.name = name
            self.minimumCount = minimumCount
            self.maximumCount = maximumCount
            self.aliases = aliases
        }
    }

    package var name: String { self.signature.name }

    /// The builtin that a program calls by this name or alias.
    package init?(name: String) {
        guard let found = Self.byName[name] else { return nil }
        self = found
    }

    /// Every name and alias.
    package static var names: Dictionary<String, Builtin>.Keys { Self.byName.keys }

    private static let byName: [String: Builtin] = {
        var table: [String: Builtin] = [:]
        for builtin in Self.allCases {
            let signature = builtin.signature
            for name in [signature.name] + signature.aliases {
                let previous = table.updateValue(builtin, forKey: name)
                precondition(previous == nil, "two builtins are called \(name)")
            }
        }
        return table
    }()

    package var signature: Signature {
        switch self {
        case .add: Signature("+", 0, nil)
        case .subtract: Signature("-", 1, nil)
        case .multiply: Signature("*", 0, nil)
        case .divide: Signature("/", 1, nil)
        case .quotient: Signature("quot", 2, 2)
        case .remainder: Signature("rem", 2, 2)
        case .modulo: Signature("mod", 2, 2)
        case .increment: Signature("inc", 1, 2)
        case .decrement: Signature("dec", 1, 2)
        case .absolute: Signature("abs", 1, 1)
        case .floor: Signature("floor", 1, 1)
        case .ceiling: Signature("ceil", 1, 1)
        case .round: Signature("round", 1, 1)
        case .squareRoot: Signature("sqrt", 1, 1)
        case .power: Signature("pow", 2, 2)
        case .equal: Signature("=", 1, nil)
        case .notEqual: Signature("not=", 2, 2, ["!="])
        case .less: Signature("<", 1, nil)
        case .lessOrEqual: Signature("<=", 1, nil)
        case .greater: Signature(">", 1, nil)
        case .greaterOrEqual: Signature(">=", 1, nil)
        case .not: Signature("not", 1, 1)
        case .isNil: Signature("nil?", 1, 1)
        case .isEmpty: Signature("empty?", 1, 1)
        case .isString: Signature("string?", 1, 1)
        case .isNumber: Signature("number?", 1, 1)
        case .isInteger: Signature("integer?", 1, 1)
        case .isFloat: Signature("float?", 1, 1)
        case .isBoolean: Signature("boolean?", 1, 1)
        case .isList: Signature("list?", 1, 1)
        case .isMap: Signature("map?", 1, 1)
        case .isSet: Signature("set?", 1, 1)
        case .isKeyword: Signature("keyword?", 1, 1)
        case .isSymbol: Signature("symbol?", 1, 1)
        case .isFunction: Signature("function?", 1, 1)
        case .str: Signature("str", 0, nil)
        case .split: Signature("split", 2, 2, ["string-split"])
        case .join: Signature("join", 1, 2, ["string-join"])
        case .trim: Signature("trim", 1, 1, ["string-trim"])
        case .lower: Signature("lower", 1, 1, ["string-downcase", "string-lower", "lower-case"])
        case .upper: Signature("upper", 1, 1, ["string-upcase", "string-upper", "upper-case"])
        case .replace: Signature("replace", 3, 3, ["string-replace"])
        case .contains: Signature("contains?", 2, 2, ["string-contains?", "string-contains"])
        case .startsWith: Signature("starts-with?", 2, 2, ["string-starts-with?", "string-starts-with"])
        case .endsWith: Signature("ends-with?", 2, 2, ["string-ends-with?", "string-ends-with"])
        case .substring: Signature("substring", 2, 3, ["string-substring"])
        case .reMatch: Signature("re-match", 2, 2)
        case .reFindAll: Signature("re-find-all", 2, 2)
        case .format: Signature("format", 1, nil)
        case .parseInt: Signature("parse-int", 1, 2, ["string->number"])
        case .parseFloat: Signature("parse-float", 1, 2)
        case .keyword: Signature("keyword", 1, 1)
        case .symbol: Signature("symbol", 1, 1)
        case .name: Signature("name", 1, 1)
        case .get: Signature("get", 2, 3, ["map-get"])
        case .getIn: Signature("get-in", 2, 3)
        case .assoc: Signature("assoc", 3, nil, ["map-set"])
        case .dissoc: Signature("dissoc", 2, nil, ["map-remove"])
        case .update: Signature("update", 3, nil)
        case .keys: Signature("keys", 1, 1, ["map-keys"])
        case .vals: Signature("vals", 1, 1, ["map-values"])
        case .merge: Signature("merge", 0, nil, ["map-merge"])
        case .set: Signature("set", 0, 1)
        case .conj: Signature("conj", 2, nil)
        case .list: Signature("list", 0, nil)
        case .count: Signature("count", 1, 1, ["length", "list-length", "string-length", "map-size"])
        case .first: Signature("first", 1, 1, ["car"])
        case .rest: Signature("rest", 1, 1, ["cdr"])
        case .last: Signature("last", 1, 1)
        case .nth: Signature("nth", 2, 3, ["list-ref"])
        case .take: Signature("take", 2, 2)
        case .drop: Signature("drop", 2, 2)
        case .concat: Signature("concat", 0, nil, ["list-append"])
        case .append: Signature("append", 2, nil)
        case .cons: Signature("cons", 2, 2)
        case .reverse: Signature("reverse", 1, 1)
        case .sort: Signature("sort", 1, 1)
        case .sortBy: Signature("sort-by", 2, 2)
        case .distinct: Signature("distinct", 1, 1)
        case .range: Signature("range", 1, 3)
        case .map: Signature("map", 2, 2)
        case .filter: Signature("filter", 2, 2)
        case .reduce: Signature("reduce", 2, 3)
        case .fold: Signature("fold", 3, 3)
        case .flatMap: Signature("flat-map", 2, 2)
        case .groupBy: Signature("group-by", 2, 2)
        case .zip: Signature("zip", 2, 2)
        case .any: Signature("any?", 2, 2)
        case .all: Signature("all?", 2, 2)
        case .forEachCall: Signature("for-each", 2, 2)
        case .apply: Signature("apply", 2, 2)
        case .sum: Signature("sum", 1, 1)
        case .min: Signature("min", 1, nil)
        case .max: Signature("max", 1, nil)
        case .mean: Signature("mean", 1, 1)
        case .countDistinct: Signature("count-distinct", 1, 1)
        case .quantile: Signature("quantile", 2, 2)
        case .parseJSON: Signature("parse-json", 1, 1)
        case .toJSON: Signature("to-json", 1, 1)
        case .now: Signature("now", 0, 0)
        case .parseTime: Signature("parse-time", 1, 2)
        case .formatTime: Signature("format-time", 1, 2)
        case .hash: Signature("hash", 1, 1)
        case .uuid: Signature("uuid", 0, 0)
        case .println: Signature("println", 0, nil)
        case .logInfo: Signature("log-info", 1, 2)
        case .logWarn: Signature("log-warn", 1, 2)
        case .logError: Signature("log-error", 1, 2)
        case .alert: Signature("alert", 1, nil)
        case .throwValue: Signature("throw", 1, 1)
        case .emit: Signature("emit", 2, 2)
        case .windowStart: Signature("window-start", 0, 0)
        case .windowEnd: Signature("window-end", 0, 0)
        case .pane: Signature("pane", 0, 0)
        case .state: Signature("state", 0, 0)
        case .setState: Signature("set-state", 1, 1)
        case .setTimer: Signature("set-timer", 1, 1)
        case .groupKey: Signature("key", 0, 0)
        case .lookup: Signature("lookup", 2, 3)
        case .emitTo: Signature("emit-to", 2, 2)
        case .messageKey: Signature("message-key", 0, 0)
        case .messageHeader: Signature("message-header", 1, 1)
        case .messageTopic: Signature("message-topic", 0, 0)
        case .messagePartition: Signature("message-partition", 0, 0)
        case .messageOffset: Signature("message-offset", 0, 0)
        case .sourceName: Signature("source-name", 0, 0)
        case .param: Signature("param", 1, 2)
        case .submitJob: Signature("submit-job", 1, 1)
        case .await: Signature("await", 1, 1)
        case .jobWaitCompletion: Signature("job:wait-completion", 1, 1)
        case .jobGetResults: Signature("job:get-results", 1, 1)
        case .jobStatus: Signature("job:status", 1, 1)
        case .jobCancel: Signature("job:cancel", 1, 1)
        case .jobID: Signature("job:id", 1, 1)
        }
    }
}
