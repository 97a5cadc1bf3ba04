internal import FluentSyntax
package import JobPlan

/// How the windows of a stream are kept.
package struct StreamWindows: Sendable {
    package enum Kind: Hashable, Sendable {
        /// Tumbling and sliding windows: made of slices.
        case sliced(SliceGrid)
        case session(gap: Int64)
        case count(count: Int64, slide: Int64)
        case global
    }

    package let kind: Kind
    package let layout: WindowLayout

    /// Whether the reduce takes aggregates: then they are built before anything is shipped.
    package let takesAggregates: Bool
    package let allowedLateness: Int64
    package let trigger: TriggerSpecification

    /// Whether records are aggregated by slice and key before they are shipped, not shipped one by one.
    var isAggregated: Bool {
        if case .sliced = self.kind { return true }
        return false
    }

    init(_ plan: StreamPlan) {
        let definition = plan.definition
        self.kind =
            switch definition.window {
            case .tumbling(let size, let offset): .sliced(SliceGrid(size: size, slide: size, offset: offset))
            case .sliding(let size, let slide): .sliced(SliceGrid(size: size, slide: slide))
            case .session(let gap): .session(gap: gap)
            case .count(let count, let slide): .count(count: count, slide: slide)
            case .global: .global
            }
        switch plan.reduce {
        case .general:
            self.layout = .values
            self.takesAggregates = false
        case .aggregates(let aggregates, _):
            self.layout = WindowLayout(aggregates)
            self.takesAggregates = true
        }
        self.allowedLateness = definition.settings.allowedLateness
        self.trigger = definition.settings.trigger
    }
}

/// The bounds of a stream's subtask.
package struct StreamLimits: Sendable {
    /// Milliseconds by which a record may come behind a later one of its split.
    package let outOfOrdernessBound: Int64

    /// Bytes of the tables before the exchange.
    package let tableBytes: Int
    package let batchBytes: Int
    package let writesDeadLetters: Bool

    package init(outOfOrdernessBound: Int64, tableBytes: Int, batchBytes: Int, writesDeadLetters: Bool) {
        self.outOfOrdernessBound = outOfOrdernessBound
        self.tableBytes = tableBytes
        self.batchBytes = batchBytes
        self.writesDeadLetters = writesDeadLetters
    }
}

/// The compiled functions of a stream that are called with a record.
struct StreamFunctions: Sendable {
    /// Whether they ask for anything beside their record.
    let usesSurroundings: Bool
    let map: MapCall
    let mapFieldCount: Int
    let time: StreamTimeCall?

    /// Calls the map with the record that was decoded.
    @inline(__always)
    func callMap(_ machine: inout Machine<StreamMapHost>, _ box: SplitDecoder) throws(EvaluationError) {
        switch self.map {
        case .record(let function):
            _ = try machine.call(function, box.decoder.record)
        case .keyAndRecord(let function):
            _ = try machine.call(function, box.decoder.key, box.decoder.record)
        case .fields(let function, let whole, let takesKey):
            if box.decoder.hasFields {
                try self.callFields(function, takesKey: takesKey, &machine, box)
            } else if takesKey {
                _ = try machine.call(whole, box.decoder.key, box.decoder.record)
            } else {
                _ = try machine.call(whole, box.decoder.record)
            }
        }
    }

    /// Up to three fields need no array.
    @inline(__always)
    private func callFields(
        _ function: FunctionIndex,
        takesKey: Bool,
        _ machine: inout Machine<StreamMapHost>,
        _ box: SplitDecoder
    ) throws(EvaluationError) {
        if takesKey {
            let fields = (0..<self.mapFieldCount).map { box.decoder.field($0) }
            _ = try machine.call(function, [box.decoder.key] + fields)
            return
        }
        switch self.mapFieldCount {
        case 1: _ = try machine.call(function, box.decoder.field(0))
        case 2: _ = try machine.call(function, box.decoder.field(0), box.decoder.field(1))
        case 3: _ = try machine.call(function, box.decoder.field(0), box.decoder.field(1), box.decoder.field(2))
        default: _ = try machine.call(function, (0..<self.mapFieldCount).map { box.decoder.field($0) })
        }
    }
}

/// The compiled `:time`.
struct StreamTimeCall: Sendable {
    /// Over fields, and how many; nil where it takes the whole record.
    let overFields: (function: FunctionIndex, count: Int)?
    let whole: FunctionIndex

    @inline(__always)
    func call(
        _ machine: inout Machine<StreamMapHost>,
        _ box: SplitDecoder,
        fieldStart: Int
    ) throws(EvaluationError) -> Value {
        guard let (function, count) = self.overFields, box.decoder.hasFields else {
            return try machine.call(self.whole, box.decoder.record)
        }
        if count == 1 { return try machine.call(function, box.decoder.field(fieldStart)) }
        return try machine.call(function, (0..<count).map { box.decoder.field(fieldStart + $0) })
    }
}
