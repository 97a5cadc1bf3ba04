/// How a job is coordinated.
package struct CoordinationConfiguration: Hashable, Sendable {
    /// How often a job may start again after a failure; not negative.
    ///
    /// Default: 0, so that a local run shows an error at once. A failure with the cause `userError` or `permanent`
    /// never restarts a job.
    package var restartLimit = 0

    /// Splits are handed out in groups until a group weighs this much; positive.
    ///
    /// Thousands of small files then cost few requests, and a large split is a group of its own.
    package var groupWeightBytes: Int64 = 8 << 20

    /// The most splits in a group; positive.
    package var groupCountLimit = 64

    package var splitOrder = SplitOrder.largestFirst

    package init() {}

    /// Which splits are handed out first.
    package enum SplitOrder: String, Hashable, Sendable {
        /// Subtasks then end at about the same time.
        case largestFirst
        /// As the source listed them.
        case enumeration
    }
}
