package import FluentSyntax

/// One step of a plan with all that is needed to run it.
package enum OperatorKind: Sendable {
    case source(ConnectorCall)
    case decode(DecodeStep)
    case map(MapFunction)
    case combine(CombineFunction)
    /// In a plan: the exchange. In a graph's stage: what routes pairs into it.
    case shuffle(Exchange)
    /// The receiving end of a shuffle.
    case merge(ShufflePayload)
    case reduce(ReduceFunction)
    case format(RecordFormat, isSorted: Bool)
    case sink(ConnectorCall)

    /// The kind's name in plans and operator ids.
    package var name: String {
        switch self {
        case .source: "source"
        case .decode: "decode"
        case .map: "map"
        case .combine: "combine"
        case .shuffle: "shuffle"
        case .merge: "merge"
        case .reduce: "reduce"
        case .format: "format"
        case .sink: "sink"
        }
    }
}

/// How the blocks of a source become records.
package struct DecodeStep: Sendable {
    package let format: RecordFormat

    /// The only fields that anybody reads, or nil for whole records.
    package let fields: [ProjectedField]?
    package let lines: LineCutting

    package init(format: RecordFormat, fields: [ProjectedField]? = nil, lines: LineCutting = .perLine) {
        self.format = format
        self.fields = fields
        self.lines = lines
    }
}

/// A hash shuffle between two stages.
package struct Exchange: Sendable {
    package let partitionCount: Int

    /// Fixed for the job's life.
    package let keyGroupCount: Int
    package let payload: ShufflePayload

    package init(partitionCount: Int, keyGroupCount: Int, payload: ShufflePayload) {
        precondition(partitionCount >= 1 && keyGroupCount >= partitionCount, "every partition owns a key group")
        self.partitionCount = partitionCount
        self.keyGroupCount = keyGroupCount
        self.payload = payload
    }
}
