/// Reads an outside system: enumerates splits once, then hands out readers.
public protocol Source: Sendable {
    /// What plans and messages call it; never contains a secret.
    var summary: String { get }

    /// Lists the splits of a bounded source, at most `targetBytes` each where the framing allows cutting.
    ///
    /// - Throws: Nothing matches, or something can't be read; no state is left behind.
    func enumerateSplits(framing: Framing, targetBytes: Int64) throws(ConnectorError) -> [Split]

    /// As ``enumerateSplits(framing:targetBytes:)``; `note` takes what people should know though it is no error, in a
    /// sentence without a full stop.
    func enumerateSplits(
        framing: Framing,
        targetBytes: Int64,
        noting note: (String) -> Void
    ) throws(ConnectorError) -> [Split]

    /// Opens a split for reading.
    func makeReader(for split: Split, framing: Framing) throws(ConnectorError) -> any SourceReader
}

extension Source {
    public func enumerateSplits(
        framing: Framing,
        targetBytes: Int64,
        noting note: (String) -> Void
    ) throws(ConnectorError) -> [Split] {
        try self.enumerateSplits(framing: framing, targetBytes: targetBytes)
    }
}

/// Reads one split.
///
/// ## Order of calls
/// `poll` until it answers `.end` or throws, then `close`, which is called exactly once. All calls come from one
/// thread, one at a time, and must not wait for anything but a local disk.
public protocol SourceReader: AnyObject {
    /// Replaces the block's content by the next bytes of the split.
    ///
    /// - Throws: What was read before is still valid; the split can be read again from its start.
    func poll(into block: SourceBlock) throws(ConnectorError) -> SourcePoll

    func close()
}

public enum SourcePoll: Hashable, Sendable {
    /// The block holds at least one byte.
    case block
    /// The split is read to its end; the block is empty.
    case end
}
