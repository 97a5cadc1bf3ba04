/// What a `define-stream-processor` does with its records.
///
/// Its functions, fields and numbers are values of options of the ``JobForm``, under names that no program can write.
package struct ProcessorForm: Sendable {
    /// What happens to a record before it is grouped.
    package enum Step: String, CaseIterable, Sendable {
        case filter
        case map
        case flatMap = "flat-map"
        /// Adds what a table has under a value of the record.
        case enrich
        /// Writes the record, or those for which a function holds, to a sink of its own, and goes on.
        case side
    }

    /// One `:name (function …)` of `aggregate`.
    package struct Aggregate: Sendable {
        /// Without the colon.
        package let name: String
        package let function: AggregateName

        /// Whether it takes a field or a function of the record; only `count` may go without.
        package let hasInput: Bool

        /// The call.
        package let range: SourceRange
    }

    /// A clause at which records are exchanged by key.
    package struct Stage: Sendable {
        package enum Kind: String, CaseIterable, Sendable {
            case keyBy = "key-by"
            case deduplicate
            case process
            case join
        }

        package let kind: Kind

        /// How many of ``ProcessorForm/steps`` stand before it.
        package let stepCount: Int
        package let keyCount: Int

        /// Whether the key is a list of them, also where it is only one.
        package let hasKeyList: Bool
        package let hasTimer: Bool

        /// What a join says beside the key, which is that of its left side.
        package var join: Join?

        /// The clause.
        package let range: SourceRange
    }

    /// The sides of a `join`: parts of the union that is the source.
    package struct Join: Sendable {
        package let left: String
        package let right: String
        package let rightKeyCount: Int
        package let hasRightKeyList: Bool
        package let hasFunction: Bool

        package static let functionOption = "function"

        package static func problem(from: Int64, to: Int64) -> String {
            "the interval of a join can't end, at \(to) ms, before it begins, at \(from) ms"
        }
    }

    package static let stepLimit = 64
    package static let stageLimit = 8
    package static let keyLimit = 16
    package static let aggregateLimit = 100

    package let steps: [Step]

    /// The keyed stages among the steps, in their order.
    package let stages: [Stage]

    /// How many fields or functions records are grouped by.
    package let keyCount: Int

    /// Whether the group is a list of them, also where it is only one.
    package let hasKeyList: Bool

    /// At least one where it has a window; without a window what comes behind the last clause goes to the sink.
    package let aggregates: [Aggregate]

    package var hasWindow: Bool { !self.aggregates.isEmpty }

    // MARK: Options

    package static let windowOption = "window"

    package static func stepOption(_ index: Int) -> String { "step \(index)" }

    /// The table of an `enrich`, and its `:as` and `:missing`.
    package static func tableOption(_ index: Int) -> String { "table \(index)" }
    package static func asOption(_ index: Int) -> String { "as \(index)" }
    package static func missingOption(_ index: Int) -> String { "missing \(index)" }

    static let sideNamePrefix = "side "

    /// The name and the sink of a `side`.
    package static func sideNameOption(_ index: Int) -> String { "\(Self.sideNamePrefix)\(index)" }
    package static func sideSinkOption(_ index: Int) -> String { "side-sink \(index)" }

    package static func keyOption(_ index: Int) -> String { "key \(index)" }

    /// What a stage is given by this name, or its function.
    package static func stageOption(_ index: Int, _ name: String) -> String { "stage \(index) \(name)" }

    /// A key of the right side of a join.
    package static func rightKeyOption(_ stage: Int, _ index: Int) -> String { "stage \(stage) right key \(index)" }

    /// The field or function that an aggregate is over.
    package static func inputOption(_ index: Int) -> String { "input \(index)" }

    /// The number that `top` and `quantile` take.
    package static func parameterOption(_ index: Int) -> String { "parameter \(index)" }

    /// Whether the option stems from a clause, and not from a `:name value` of the program.
    package static func isClause(_ option: String) -> Bool { option == Self.windowOption || option.contains(" ") }

    /// Whether the option's value is a function that runs in the job and whose value counts.
    static func isFunction(_ option: String) -> Bool {
        ["step ", "key ", "input "].contains { option.hasPrefix($0) }
            || option.hasPrefix("stage ") && (option.contains(" key ") || option.hasSuffix(" \(Join.functionOption)"))
    }

    /// Whether the option's value is a function that runs with the state of a key.
    static func isStateful(_ option: String) -> Bool {
        option.hasPrefix("stage ") && (option.hasSuffix(" on-event") || option.hasSuffix(" on-timer"))
    }

    /// The fields of an output record that aren't named by the program.
    package static let windowFields = ["window-start", "window-end"]

    /// What the fields of the group are called; nil: not known yet.
    ///
    /// A field keeps its name; a function's is `key`, with its place behind it where it isn't the only one.
    package static func keyNames(_ keys: [Constant?]) -> [String?] {
        keys.enumerated().map { index, key in
            switch key {
            case .some(.keyword(let name)): name
            case nil: nil
            default: keys.count == 1 ? "key" : "key-\(index + 1)"
            }
        }
    }
}

/// The functions of `aggregate`.
package enum AggregateName: String, CaseIterable, Sendable {
    case count
    case countDistinct = "count-distinct"
    case countDistinctApproximate = "count-distinct-approx"
    case sum
    case min
    case max
    case mean
    case first
    case last
    case collect
    case top
    case quantile

    /// The longest list that `top` keeps.
    package static let topLimit: Int64 = 10_000

    /// Whether a number stands before the field.
    package var takesParameter: Bool { self == .top || self == .quantile }

    package var usage: String {
        switch self {
        case .count: "(count) or (count :field)"
        case .top: "(top 10 :field)"
        case .quantile: "(quantile 0.95 :field)"
        case .countDistinct, .countDistinctApproximate, .sum, .min, .max, .mean, .first, .last, .collect:
            "(\(self.rawValue) :field)"
        }
    }

    /// What is wrong with the number; nil if nothing is.
    package func problem(withParameter value: Constant) -> (message: String, help: String)? {
        switch (self, value) {
        case (.top, .integer(1...Self.topLimit)), (.quantile, .float(0...1)), (.quantile, .integer(0...1)): nil
        case (.top, _): ("top needs a number of values, found \(value.foundText)", "write 1 to \(Self.topLimit)")
        case (.quantile, _): ("quantile needs a fraction, found \(value.foundText)", "write 0 to 1, such as 0.95")
        default: nil
        }
    }
}
