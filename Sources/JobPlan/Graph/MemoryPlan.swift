/// How a job's memory limit is shared out.
///
/// | share of the limit         | for                                              |
/// | -------------------------- | ------------------------------------------------ |
/// | 1/8                        | source blocks and output buffers                 |
/// | 1/8 with a shuffle         | buffers of the exchange                          |
/// | 1/4 with a combiner        | combine tables, in equal parts for each subtask  |
/// | the rest with a shuffle    | reduce tables, in equal parts for each subtask   |
///
/// A table that reaches its part is sorted and spilled. A job without a shuffle keeps no tables, and leaves the rest
/// alone. A limit for each table, where there is one, takes the place of a part that is larger, and bounds the batches
/// that fill the tables too; what it leaves of the parts isn't used.
package struct MemoryPlan: Hashable, Sendable {
    package let limitBytes: Int64
    package let ioBytes: Int64
    package let exchangeBytes: Int64

    /// One combine table; 0 without a combiner.
    package let combineTableBytes: Int64

    /// One reduce table; 0 without a shuffle.
    package let reduceTableBytes: Int64

    /// All combine tables together.
    package let combineBytes: Int64

    /// All reduce tables together.
    package let reduceBytes: Int64

    /// What one table may take at most, whatever its part is; nil: its part.
    package let tableLimitBytes: Int64?

    /// What a stage takes at most: its tables, and half of what lies between two stages and at their outer ends.
    package func estimatedBytes(of stage: Stage) -> Int64 {
        switch (stage.input, stage.output) {
        case (.splits, .sink): self.ioBytes
        case (_, .exchange): (self.ioBytes + self.exchangeBytes) / 2 + self.combineBytes
        case (.exchange, .sink): (self.ioBytes + self.exchangeBytes) / 2 + self.reduceBytes
        }
    }

    package init(limitBytes: Int64, tableLimitBytes: Int64? = nil, combineSubtasks: Int, reduceSubtasks: Int) {
        self.limitBytes = limitBytes
        self.tableLimitBytes = tableLimitBytes
        self.ioBytes = limitBytes / 8
        guard reduceSubtasks > 0 else {
            self.exchangeBytes = 0
            self.combineBytes = 0
            self.reduceBytes = 0
            self.combineTableBytes = 0
            self.reduceTableBytes = 0
            return
        }
        let combineShare = combineSubtasks > 0 ? limitBytes / 4 : 0
        self.exchangeBytes = limitBytes / 8
        let reduceShare = limitBytes - self.ioBytes - self.exchangeBytes - combineShare
        let tableLimit = tableLimitBytes ?? limitBytes
        self.combineTableBytes = combineSubtasks > 0 ? min(combineShare / Int64(combineSubtasks), tableLimit) : 0
        self.reduceTableBytes = min(reduceShare / Int64(reduceSubtasks), tableLimit)
        self.combineBytes = min(combineShare, Self.product(combineSubtasks, tableLimit))
        self.reduceBytes = min(reduceShare, Self.product(reduceSubtasks, tableLimit))
    }

    private static func product(_ count: Int, _ bytes: Int64) -> Int64 {
        let product = Int64(count).multipliedReportingOverflow(by: bytes)
        return product.overflow ? .max : product.partialValue
    }
}
