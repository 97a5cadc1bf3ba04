/// A sink of a stream that can also take whole checkpoints, each exactly once.
///
/// The engine keeps what a checkpoint's records are until they are delivered, and delivers the checkpoints of a sink in
/// their order; the sink keeps a *marker* beside its output that says up to which checkpoint it has come, and moves both in
/// one step.
public protocol ExactlyOnceSink: StreamSink {
    /// What the program asked for; nil: it leaves that to the engine.
    var wantsExactlyOnce: Bool? { get }

    /// Makes what delivers checkpoints under an identity; connects to nothing yet.
    func makeDelivery(_ identity: DeliveryIdentity) throws(ConnectorError) -> any StreamDelivery
}

/// Who delivers: the same in every run of a job and for one sink of it only.
public struct DeliveryIdentity: Hashable, Sendable {
    /// Fences: the outside system refuses whoever used it before.
    public let transactionalID: String

    /// Where the marker is kept.
    public let markerGroup: String

    public init(transactionalID: String, markerGroup: String) {
        self.transactionalID = transactionalID
        self.markerGroup = markerGroup
    }
}

/// Delivers checkpoints of one sink.
///
/// ## Order of calls
/// `open`, `deliver` in any order, at last `close`, exactly once. All calls come from one thread at a time; they wait for the
/// outside system, within time limits of the connector's own.
///
/// - Important: After an error nobody may assume that a checkpoint was delivered, or that it wasn't: deliver it again, here
///   or elsewhere, and the marker decides.
public protocol StreamDelivery: AnyObject {
    /// Fences whoever delivered under this identity before, whose unfinished delivery comes to nothing, then reads the marker.
    ///
    /// `deliver` does so by itself where it has to.
    ///
    /// - Returns: The checkpoint delivered last; nil: none, or the outside system has forgotten it.
    func open() throws(ConnectorError) -> Int64?

    /// Delivers a checkpoint's records and moves the marker to it, both or neither.
    ///
    /// Checkpoints are numbered from 1. `recorded` is the newest one that the engine knows to be delivered; nil: none, or it
    /// doesn't insist. `records` answers the next records, nil behind the last; the block may be the same one every time.
    /// It isn't called where nothing is to be delivered.
    func deliver(
        checkpoint: Int64,
        recorded: Int64?,
        records: () throws(ConnectorError) -> OutputBlock?
    ) throws(ConnectorError) -> DeliveryOutcome

    /// Gives up what isn't delivered.
    func close()
}

/// What became of a checkpoint's records; only `delivered` wrote any.
public enum DeliveryOutcome: Hashable, Sendable {
    case delivered

    /// The marker stands at this checkpoint.
    case wasDelivered

    /// The engine has recorded a delivery, and the outside system knows of none, or of older ones only: it forgot the marker,
    /// or it is another system.
    case markerMissing

    /// A later checkpoint was delivered: this one belongs to a past that was restored.
    case markerAbove(Int64)
}
