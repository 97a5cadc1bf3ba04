/// A setting that must come from somewhere: from the call, or from whoever runs the program.
public struct SettingNeed: Sendable {
    /// Of the call, without the colon.
    public let option: String

    /// The names under which it may be given for a whole run: `kafka.brokers`.
    public let defaults: [String]

    /// What is said of the connector where it is missing: `doesn't know its brokers`.
    public let predicate: String

    /// What to do about it.
    public let help: String

    private let isNeeded: @Sendable (KnownSettings) -> Bool

    /// `isNeeded`: Whether a call needs it at all.
    public init(
        _ option: String,
        defaults: [String],
        predicate: String,
        help: String,
        isNeeded: @escaping @Sendable (KnownSettings) -> Bool = { _ in true }
    ) {
        self.option = option
        self.defaults = defaults
        self.predicate = predicate
        self.help = help
        self.isNeeded = isNeeded
    }

    /// Whether a call needs it, and neither has it nor is given it by one of these defaults.
    func isUnmet(by call: KnownSettings, defaults: Set<String>) -> Bool {
        call.options[self.option] == nil && self.isNeeded(call) && !self.defaults.contains(where: defaults.contains)
    }
}
