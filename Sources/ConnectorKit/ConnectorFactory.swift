/// A connector's entry in the catalogue: what programs call it and how its sources and sinks are made.
public protocol ConnectorFactory: Sendable {
    /// The constructors of the language that it serves: `distributed-files`, `distributed-path`.
    var names: [String] { get }

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
}

/// Finds the connector of a call: the catalogue, as layers below it see it.
public protocol ConnectorResolver: Sendable {
    func makeSource(_ call: ConnectorSettings) throws(ConnectorError) -> any Source
    func makeSink(_ call: ConnectorSettings) throws(ConnectorError) -> any Sink
    func makeStreamSink(_ call: ConnectorSettings) throws(ConnectorError) -> any StreamSink
}
