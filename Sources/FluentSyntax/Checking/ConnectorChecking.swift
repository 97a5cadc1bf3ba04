package import CoreTypes

/// Says what is wrong with calls of sources and sinks: whoever calls the checker knows the connectors, and it doesn't.
package protocol ConnectorChecking: Sendable {
    /// - Returns: At most one for each place; none where only a running program can tell.
    func problems(with use: ConnectorUse) -> [ConnectorProblem]

    /// Whether the records of a source have event times of their own; true where that isn't known.
    func givesTime(_ name: String) -> Bool
}

/// A call of a source or sink as far as the text of the program says it.
package struct ConnectorUse: Sendable {
    package enum Value: Sendable {
        /// A name, a parameter, something computed.
        case unknown
        case constant(Constant)
        case function
        /// Of another connector, or of a format: `csv`.
        case call(String)
    }

    package let name: String

    /// Nil where the text doesn't say what it is for.
    package let role: ConnectorRole?

    package let arguments: [Value]
    package let options: [String: Value]

    package init(name: String, role: ConnectorRole?, arguments: [Value], options: [String: Value]) {
        self.name = name
        self.role = role
        self.arguments = arguments
        self.options = options
    }
}

/// Something that is wrong with such a call.
package struct ConnectorProblem: Sendable {
    package enum Place: Sendable {
        case call
        case argument(Int)
        case optionName(String)
        case optionValue(String)
    }

    package let place: Place
    package let code: String
    package let message: String
    package let help: String

    /// It is wrong only if nobody gives what is missing when the program is run.
    package let isWarning: Bool

    package init(_ place: Place, code: String, _ message: String, help: String = "", isWarning: Bool = false) {
        self.isWarning = isWarning
        self.place = place
        self.code = code
        self.message = message
        self.help = help
    }
}
