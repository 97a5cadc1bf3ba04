public import ConnectorKit

/// Standard output: `stdout`.
public struct StdoutConnector: ConnectorFactory {
    public let names = ["stdout"]

    public init() {}

    public func makeSource(_ call: ConnectorSettings) throws(ConnectorError) -> (any Source)? {
        nil
    }

    public func makeStreamSink(_ call: ConnectorSettings) throws(ConnectorError) -> (any StreamSink)? {
        try self.makeSink(call).map { _ in StdoutStreamSink() }
    }

    public func makeSink(_ call: ConnectorSettings) throws(ConnectorError) -> (any Sink)? {
        guard call.name == "stdout" else { return nil }
        try call.checkOptions(["format", "sorted"])
        guard call.arguments.isEmpty else { throw call.error("it takes no arguments") }
        // Sorting and formatting are the engine's: here it only matters that they are spelled right.
        _ = try call.boolean("sorted")
        return StdoutSink()
    }
}
