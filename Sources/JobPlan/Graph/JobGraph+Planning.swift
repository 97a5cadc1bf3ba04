import CoreTypes

extension JobGraph {
    /// Cuts an optimised plan into stages at its shuffle and names the operators.
    init(_ plan: OptimisedPlan, of definition: JobDefinition, partitionCount: Int, options: PlanOptions) {
        var builder = StageBuilder(jobName: definition.name)
        for kind in plan.operators { builder.append(kind) }
        let hasShuffle = builder.chains.count > 1
        // Without a shuffle a subtask owns a partition. With one, no subtask may be without a partition.
        let outputParallelism = hasShuffle ? min(options.parallelism, partitionCount) : partitionCount
        let stages = builder.chains.enumerated().map { position, chain in
            let isLast = position == builder.chains.count - 1
            return Stage(
                index: StageIndex(rawValue: position),
                operators: chain,
                parallelism: isLast ? outputParallelism : options.parallelism,
                input: position == 0 ? .splits : .exchange(from: StageIndex(rawValue: position - 1)),
                output: isLast ? .sink : .exchange(to: StageIndex(rawValue: position + 1))
            )
        }
        self.init(
            name: definition.name,
            stages: stages,
            partitions: (
                partitionCount, builder.exchange?.keyGroupCount ?? KeyGroupCount.forPartitions(partitionCount)
            ),
            onError: definition.onError,
            memory: MemoryPlan(
                limitBytes: options.memoryBytes ?? definition.memoryBytes ?? PlanOptions.memoryStandardBytes,
                tableLimitBytes: options.tableBytes,
                combineSubtasks: builder.hasCombiner ? options.parallelism : 0,
                reduceSubtasks: hasShuffle ? outputParallelism : 0
            ),
            kernelsEnabled: options.kernelsEnabled
        )
    }
}

/// Collects operators into chains and numbers each among those of its kind.
private struct StageBuilder {
    let jobName: String
    private(set) var chains: [[PlannedOperator]] = [[]]
    private(set) var exchange: Exchange?
    private(set) var hasCombiner = false
    private var ordinals: [String: Int] = [:]

    init(jobName: String) {
        self.jobName = jobName
    }

    mutating func append(_ kind: OperatorKind) {
        self.add(kind)
        if case .combine = kind { self.hasCombiner = true }
        if case .shuffle(let exchange) = kind {
            self.exchange = exchange
            self.chains.append([])
            self.add(.merge(exchange.payload))
        }
    }

    /// An id depends on the job's name, the kind, and how many of that kind came before: not on the position, so that
    /// state finds its operator when others were added or removed.
    private mutating func add(_ kind: OperatorKind) {
        let ordinal = self.ordinals[kind.name, default: 0]
        self.ordinals[kind.name] = ordinal + 1
        let id = OperatorID(rawValue: "\(self.jobName)/\(kind.name)-\(ordinal)")
        self.chains[self.chains.count - 1].append(PlannedOperator(id: id, kind: kind))
    }
}
