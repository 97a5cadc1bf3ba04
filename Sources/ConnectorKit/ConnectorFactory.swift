public import CoreTypes

/// A connector's entry in the catalogue: what programs call it and how its sources and sinks are made.
public protocol ConnectorFactory: Sendable {
    /// The constructors of the language that it serves, such as `distributed-files`, and what each takes.
    var declarations: [ConnectorDeclaration] { get }

    /// - Returns: Nil where `call.name` isn't a source of this connector.
    /// - Throws: A setting is missing, unknown or wrong: the message names it and lists the right ones.
    func makeSource(_ call: ConnectorSettings) throws(ConnectorError) -> (any Source)?

    /// - Returns: Nil where `call.name` isn't a sink of this connector.
    /// - Throws: As ``makeSource(_:)``.
    func makeSink(_ call: ConnectorSettings) throws(ConnectorError) -> (any Sink)?

    /// - Returns: Nil where `call.name` isn't a sink of this connector, or one that no stream can write to.
    /// - Throws: As ``makeSource(_:)``.
    func makeStreamSink(_ call: ConnectorSettings) throws(ConnectorError) -> (any StreamSink)?
}

extension ConnectorFactory {
    /// The constructors of the language that it serves, sorted.
    public var names: [String] { Set(self.declarations.map(\.name)).sorted() }

    /// Checks a call against what was declared: the first line of `makeSource` and its like.
    ///
    /// - Returns: Whether it is declared for one of these roles at all.
    /// - Throws: A setting is missing, unknown or wrong.
    public func accepts(_ call: ConnectorSettings, as roles: ConnectorRole...) throws(ConnectorError) -> Bool {
        let declaration = self.declarations.first { declaration in
            declaration.name == call.name && declaration.roles.contains { roles.contains($0) }
        }
        guard let declaration else { return false }
        if let problem = declaration.problems(with: KnownSettings(call)).first {
            throw call.error(problem.explanation)
        }
        return true
    }

    public func makeStreamSink(_ call: ConnectorSettings) throws(ConnectorError) -> (any StreamSink)? {
        try self.makeSink(call) as? any StreamSink
    }
}

/// What a program wrote in a source or sink call.
public struct ConnectorSettings: Hashable, Sendable {
    public let name: String
    public let arguments: [SettingValue]
    public let options: [String: SettingValue]

    public init(name: String, arguments: [SettingValue], options: [String: SettingValue]) {
        self.name = name
        self.arguments = arguments
        self.options = options
    }
}

/// What is known of a source or sink call before it is evaluated.
public struct KnownSettings: Sendable {
    public let name: String

    /// Nil: not known yet.
    public let arguments: [SettingValue?]

    /// Those that are written; a value of nil isn't known yet.
    public let options: [String: SettingValue?]

    public init(name: String, arguments: [SettingValue?], options: [String: SettingValue?]) {
        self.name = name
        self.arguments = arguments
        self.options = options
    }

    public init(_ call: ConnectorSettings) {
        self.init(name: call.name, arguments: call.arguments, options: call.options.mapValues { $0 })
    }
}

/// An evaluated argument or option of a connector.
public indirect enum SettingValue: Hashable, Sendable {
    case `nil`
    case boolean(Bool)
    case integer(Int64)
    case float(Double)
    /// Strings, symbols and keywords: interchangeable as option values.
    case string(String)
    case list([SettingValue])
    case map([String: SettingValue])
    /// Another call: `(csv :header true)` as a format.
    case call(String)
    /// What no connector can use; what messages call it, such as `a function`.
    case other(String)
}

/// Finds the connector of a call: the catalogue, as layers below it see it.
public protocol ConnectorResolver: Sendable {
    func makeSource(_ call: ConnectorSettings) throws(ConnectorError) -> any Source
    func makeSink(_ call: ConnectorSettings) throws(ConnectorError) -> any Sink
    func makeStreamSink(_ call: ConnectorSettings) throws(ConnectorError) -> any StreamSink
}
