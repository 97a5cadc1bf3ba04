/// What a job uses a source or a sink for.
public enum ConnectorRole: Hashable, Sendable, CaseIterable {
    /// A job reads it to its end.
    case batchSource
    /// A stream reads it as long as it runs.
    case streamSource
    /// A job writes it as a whole.
    case batchSink
    /// A stream writes it as long as it runs.
    case streamSink

    public var isSource: Bool { self == .batchSource || self == .streamSource }
}
