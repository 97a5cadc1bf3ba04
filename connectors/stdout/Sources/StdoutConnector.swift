public import ConnectorKit
internal import CoreTypes

/// Standard output: `stdout`.
public struct StdoutConnector: ConnectorFactory {
    public let declarations = [
        ConnectorDeclaration("stdout", as: [.batchSink], options: OptionDeclaration.writtenFormat + [.sorted]),
        ConnectorDeclaration(
            "stdout",
            as: [.streamSink],
            options: OptionDeclaration.writtenFormat + [
                OptionDeclaration("sorted", .refused("only a job that ends can sort its output; leave it out"))
            ]
        ),
    ]

    public init() {}

    public func makeSource(_ call: ConnectorSettings) throws(ConnectorError) -> (any Source)? {
        nil
    }

    /// Sorting and formatting are the engine's.
    public func makeSink(_ call: ConnectorSettings) throws(ConnectorError) -> (any Sink)? {
        try self.accepts(call, as: .batchSink) ? StdoutSink() : nil
    }

    public func makeStreamSink(_ call: ConnectorSettings) throws(ConnectorError) -> (any StreamSink)? {
        try self.accepts(call, as: .streamSink) ? StdoutStreamSink() : nil
    }
}
