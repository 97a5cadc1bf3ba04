/// How far the reading of a split of a stream has come since it began.
public enum SplitAdvance: Int, Hashable, Sendable {
    /// The outside system has said nothing of it yet.
    case unanswered
    /// There are records, and it wasn't at its end yet.
    case reading
    /// It was read to its end at least once; what is written from now on comes as it is written.
    case caughtUp
}
