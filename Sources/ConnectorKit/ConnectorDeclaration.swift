public import CoreTypes

/// What a source or sink may be called with: its connector says it once, and it holds when a program is checked and
/// again when it runs.
public struct ConnectorDeclaration: Sendable {
    /// What programs call it.
    public let name: String

    /// What jobs may use it for; a name may have other options in another role.
    public let roles: [ConnectorRole]

    public let arguments: ArgumentsDeclaration
    public let options: [OptionDeclaration]

    /// What calls may leave to whoever runs the program.
    public let needs: [SettingNeed]

    /// Whether its records have event times of their own, so that a stream that reads them needs no `:time`.
    public let givesTime: Bool

    public init(
        _ name: String,
        as roles: [ConnectorRole],
        arguments: ArgumentsDeclaration = .none,
        options: [OptionDeclaration] = [],
        needs: [SettingNeed] = [],
        givesTime: Bool = false
    ) {
        self.name = name
        self.roles = roles
        self.arguments = arguments
        self.options = options.sorted { $0.name < $1.name }
        self.needs = needs
        self.givesTime = givesTime
    }

    /// What `:format (csv …)` may be called with.
    public static let csv = [
        ConnectorDeclaration("csv", as: [.batchSource, .streamSource], options: OptionDeclaration.csvRead),
        ConnectorDeclaration("csv", as: [.batchSink, .streamSink], options: OptionDeclaration.csvWritten),
    ]

    /// The options that programs may write, sorted.
    public var optionNames: [String] { self.options.filter { !$0.rule.isRefusal }.map(\.name) }

    /// What is wrong with a call, as far as that is known: at most one for each place.
    public func problems(with call: KnownSettings) -> [SettingProblem] {
        var problems = self.arguments.problems(with: call)
        for (name, value) in call.options.sorted(by: { $0.key < $1.key }) {
            guard let option = self.options.first(where: { $0.name == name }) else {
                problems.append(self.unknown(name))
                continue
            }
            if let problem = option.problem(with: value) { problems.append(problem) }
        }
        for option in self.options where option.isRequired && call.options[option.name] == nil {
            let help = "it must be \(option.rule.expectation)"
            problems.append(SettingProblem(.missingOption, at: .call, "needs the option :\(option.name)", help: help))
        }
        return problems
    }

    /// What a call needs that neither it nor the defaults of these names say.
    public func unmetNeeds(of call: KnownSettings, defaults: Set<String>) -> [SettingProblem] {
        self.needs.filter { $0.isUnmet(by: call, defaults: defaults) }.map { need in
            SettingProblem(.missingOption, at: .call, need.predicate, help: need.help)
        }
    }

    private func unknown(_ name: String) -> SettingProblem {
        let known = self.optionNames
        let nearest = NearestName.of(name, among: known).map { "did you mean :\($0)? " } ?? ""
        let list = known.isEmpty ? "it takes no options" : "its options are \(Self.listed(known))"
        return SettingProblem(.unknownOption, at: .optionName(name), "has no option :\(name)", help: nearest + list)
    }

    private static func listed(_ names: [String]) -> String {
        names.map { ":\($0)" }.joined(separator: " ")
    }
}

/// The arguments of a source or sink: texts, or lists of them.
public struct ArgumentsDeclaration: Sendable {
    /// What is wrong with a text, as a predicate with advice: `is empty; …`; nil: nothing.
    public typealias TextCheck = @Sendable (_ text: String, _ call: KnownSettings) -> String?

    /// What one is, such as `a path`.
    public let noun: String
    public let count: ClosedRange<Int>
    private let check: TextCheck?

    public init(_ noun: String, count: ClosedRange<Int>, check: TextCheck? = nil) {
        self.noun = noun
        self.count = count
        self.check = check
    }

    public static let none = ArgumentsDeclaration("an argument", count: 0...0)

    fileprivate func problems(with call: KnownSettings) -> [SettingProblem] {
        var problems: [SettingProblem] = []
        var textCount = 0
        for (index, argument) in call.arguments.enumerated() {
            guard let argument else { continue }
            let texts = argument.texts
            textCount += texts?.count ?? 1
            guard let predicate = self.refusal(of: texts, of: argument, call) else { continue }
            problems.append(SettingProblem(.optionValue, at: .argument(index), predicate))
        }
        guard problems.isEmpty else { return problems }
        // What isn't known yet may be a list of any length.
        let isKnown = call.arguments.allSatisfy { $0 != nil }
        guard isKnown && textCount < self.count.lowerBound || textCount > self.count.upperBound else { return [] }
        return [SettingProblem(.argumentCount, at: .call, self.countPredicate(textCount))]
    }

    private func refusal(of texts: [String]?, of argument: SettingValue, _ call: KnownSettings) -> String? {
        // How many there are is told with the rest.
        guard self.count.upperBound > 0 else { return nil }
        guard let texts else { return "needs \(self.noun), and \(argument.found) isn't a string" }
        if texts.contains("") { return "needs \(self.noun), not an empty string" }
        for text in texts {
            if let predicate = self.check?(text, call) { return predicate }
        }
        return nil
    }

    private func countPredicate(_ found: Int) -> String {
        if self.count.upperBound == 0 { return "takes options only, no arguments" }
        if found < self.count.lowerBound { return "needs \(self.noun), and got none" }
        return "takes \(self.count.upperBound == 1 ? "one argument" : "at most \(self.count.upperBound) arguments"), "
            + "\(self.noun), and got \(found)"
    }
}

/// An option of a source or sink.
public struct OptionDeclaration: Sendable {
    /// Without the colon.
    public let name: String
    public let rule: SettingRule
    public let isRequired: Bool

    public init(_ name: String, _ rule: SettingRule, isRequired: Bool = false) {
        self.name = name
        self.rule = rule
        self.isRequired = isRequired
    }

    /// The formats of records.
    public static let formats = ["text", "json", "csv", "bytes"]

    /// How records are read, which is the engine's: `:format`, and what `'csv` takes with it.
    public static func readFormat(_ names: [String] = Self.formats) -> [OptionDeclaration] {
        [OptionDeclaration("format", .format(names))] + (names.contains("csv") ? Self.csvRead : [])
    }

    /// How records are written, which is the engine's.
    public static let writtenFormat = [OptionDeclaration("format", .format(Self.formats))] + Self.csvWritten

    /// Whether output is sorted by key, which is the engine's.
    public static let sorted = OptionDeclaration("sorted", .boolean)

    fileprivate static let csvRead = [
        OptionDeclaration("header", .boolean), OptionDeclaration("separator", .separator),
    ]

    fileprivate static let csvWritten = [
        OptionDeclaration("header", .refused("no first line of names is written; leave it out")),
        OptionDeclaration("separator", .separator),
    ]

    /// - Parameter value: Nil: not known yet.
    /// - Returns: Nil where nothing is wrong with it.
    fileprivate func problem(with value: SettingValue?) -> SettingProblem? {
        if case .refused(let predicate) = self.rule {
            return SettingProblem(.unknownOption, at: .optionName(self.name), "can't have :\(self.name): \(predicate)")
        }
        guard let value, value != .nil, let refusal = self.rule.refusal(of: value) else { return nil }
        let kind = refusal.isOfType ? SettingProblem.Kind.optionType : .optionValue
        return SettingProblem(kind, at: .optionValue(self.name), refusal.predicate, help: refusal.help)
    }
}

/// Something that is wrong with a call.
public struct SettingProblem: Hashable, Sendable {
    /// What messages of the checker are coded with.
    public enum Kind: String, Sendable {
        case argumentCount = "argument-count"
        case unknownOption = "unknown-option"
        case missingOption = "missing-option"
        case optionType = "option-type"
        case optionValue = "option-value"
    }

    public enum Place: Hashable, Sendable {
        case call
        case argument(Int)
        case optionName(String)
        case optionValue(String)
    }

    public let kind: Kind
    public let place: Place

    /// What is said of the connector or of its option: `needs a path`.
    public let predicate: String

    /// What to do about it; empty where the predicate says it all.
    public let help: String

    public init(_ kind: Kind, at place: Place, _ predicate: String, help: String = "") {
        self.kind = kind
        self.place = place
        self.predicate = predicate
        self.help = help
    }

    /// As a sentence about the connector.
    public func sentence(about name: String) -> String {
        if case .optionValue(let option) = self.place { return ":\(option) of \(name) \(self.predicate)" }
        return "\(name) \(self.predicate)"
    }

    /// As what is wrong with a call, advice included.
    var explanation: String {
        let subject = if case .optionValue(let option) = self.place { "option :\(option)" } else { "it" }
        return "\(subject) \(self.predicate)" + (self.help.isEmpty ? "" : "; \(self.help)")
    }
}
