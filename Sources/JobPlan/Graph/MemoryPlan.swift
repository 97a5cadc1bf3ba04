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
/// alone.
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

    /// What a stage takes at most: its tables, and half of what lies between two stages and at their outer ends.
    package func estimatedBytes(of stage: Stage) -> Int64 {
        switch (stage.input, stage.output) {
        case (.splits, .sink): self.ioBytes
        case (_, .exchange): (self.ioBytes + self.exchangeBytes) / 2 + self.combineBytes
        case (.exchange, .sink): (self.ioBytes + self.exchangeBytes) / 2 + self.reduceBytes
        }
    }

    package init(limitBytes: Int64, combineSubtasks: Int, reduceSubtasks: Int) {
        self.limitBytes = limitBytes
        self.ioBytes = limitBytes / 8
        guard reduceSubtasks > 0 else {
            self.exchangeBytes = 0
            self.combineBytes = 0
            self.reduceBytes = 0
            self.combineTableBytes = 0
            self.reduceTableBytes = 0
            return
        }
        self.combineBytes = combineSubtasks > 0 ? limitBytes / 4 : 0
        self.exchangeBytes = limitBytes / 8
        self.combineTableBytes = combineSubtasks > 0 ? self.combineBytes / Int64(combineSubtasks) : 0
        self.reduceBytes = limitBytes - self.ioBytes - self.exchangeBytes - self.combineBytes
        self.reduceTableBytes = self.reduceBytes / Int64(reduceSubtasks)
    }
}
