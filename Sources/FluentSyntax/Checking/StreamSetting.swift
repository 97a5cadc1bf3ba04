/// Calls that make what an option of a streaming job takes: a window, a watermark, a trigger.
package enum StreamSetting: String, CaseIterable, Sendable {
    case tumblingWindow = "tumbling-window"
    case slidingWindow = "sliding-window"
    case sessionWindow = "session-window"
    case countWindow = "count-window"
    case globalWindow = "global-window"
    case outOfOrderness = "bounded-out-of-orderness"
    case trigger

    /// The most records that a count may ask for.
    package static let countLimit: Int64 = 1_000_000_000

    package var isWindow: Bool {
        switch self {
        case .tumblingWindow, .slidingWindow, .sessionWindow, .countWindow, .globalWindow: true
        case .outOfOrderness, .trigger: false
        }
    }

    package var usage: String {
        switch self {
        case .tumblingWindow: "(tumbling-window \"1 min\" [:offset \"10 s\"])"
        case .slidingWindow: "(sliding-window \"5 min\" [\"30 s\"])"
        case .sessionWindow: "(session-window \"30 min\")"
        case .countWindow: "(count-window 100 [10])"
        case .globalWindow: "(global-window)"
        case .outOfOrderness: "(bounded-out-of-orderness \"2 s\")"
        case .trigger: "(trigger [:early \"10 s\"] [:early-count 100] [:late 'each or 'gathered])"
        }
    }

    /// What a value must be.
    fileprivate enum Rule {
        case span(atLeast: Int64)
        /// How many records.
        case count
        case word([String])
    }

    fileprivate var parameters: [(name: String, rule: Rule)] {
        switch self {
        case .tumblingWindow: [("the size", .span(atLeast: 1))]
        case .slidingWindow: [("the size", .span(atLeast: 1)), ("the slide", .span(atLeast: 1))]
        case .sessionWindow: [("the gap", .span(atLeast: 1))]
        case .countWindow: [("the count", .count), ("the slide", .count)]
        case .globalWindow, .trigger: []
        case .outOfOrderness: [("the bound", .span(atLeast: 0))]
        }
    }

    fileprivate var options: [(name: String, rule: Rule)] {
        switch self {
        case .tumblingWindow: [("offset", .span(atLeast: 0))]
        case .slidingWindow, .sessionWindow, .countWindow, .globalWindow, .outOfOrderness: []
        case .trigger: [("early", .span(atLeast: 1)), ("early-count", .count), ("late", .word(["each", "gathered"]))]
        }
    }

    var optionNames: [String] { self.options.map(\.name) }

    var argumentCounts: ClosedRange<Int> {
        let all = self.parameters.count
        return min(all, 1)...all
    }

    /// Something wrong with a value.
    package struct Problem {
        package enum Place {
            case argument(Int)
            case option(String)
        }

        package let place: Place
        package let message: String
        package let help: String
    }

    /// What is wrong with the values of a call whose shape is right.
    ///
    /// - Parameters:
    ///   - arguments: Nil: not known yet.
    ///   - options: By name; nil: not known yet.
    /// - Returns: At most one for each value.
    package func problems(arguments: [Constant?], options: [(name: String, value: Constant?)]) -> [Problem] {
        var found: [Problem] = []
        for (index, (parameter, value)) in zip(self.parameters, arguments).enumerated() {
            guard let value, let problem = parameter.rule.problem(with: value) else { continue }
            let message = "\(parameter.name) of \(self.rawValue) \(problem.message)"
            found.append(Problem(place: .argument(index), message: message, help: problem.help))
        }
        for option in options {
            guard let value = option.value, let rule = self.options.first(where: { $0.name == option.name })?.rule,
                let problem = rule.problem(with: value)
            else { continue }
            let message = ":\(option.name) of \(self.rawValue) \(problem.message)"
            found.append(Problem(place: .option(option.name), message: message, help: problem.help))
        }
        if found.isEmpty, let problem = self.offsetProblem(arguments, options) { found.append(problem) }
        return found
    }

    private func offsetProblem(_ arguments: [Constant?], _ options: [(name: String, value: Constant?)]) -> Problem? {
        guard self == .tumblingWindow, let size = arguments.first??.milliseconds,
            let offset = options.first(where: { $0.name == "offset" })?.value?.milliseconds, offset >= size
        else { return nil }
        return Problem(
            place: .option("offset"),
            message: ":offset of tumbling-window can't be as long as the window",
            help: "windows begin at multiples of their size, moved by the offset: write less than "
                + TimeSpan.text(of: size)
        )
    }
}

extension StreamSetting.Rule {
    fileprivate func problem(with value: Constant) -> (message: String, help: String)? {
        switch self {
        case .span(let minimum):
            return TimeSpan.problem(with: value, atLeast: minimum).map { ($0, TimeSpan.advice) }
        case .count:
            if case .integer(let count) = value, (1...StreamSetting.countLimit).contains(count) { return nil }
            return ("needs a number of records, found \(value.foundText)", "write 1 to \(StreamSetting.countLimit)")
        case .word(let words):
            let list = words.map { "'" + $0 }.joined(separator: " or ")
            guard let word = value.word else { return ("takes a word, found \(value.foundText)", "write \(list)") }
            return words.contains(word) ? nil : ("can't be \(word)", "write \(list)")
        }
    }
}

extension Constant {
    fileprivate var milliseconds: Int64? { TimeSpan.milliseconds(of: self) }
}
