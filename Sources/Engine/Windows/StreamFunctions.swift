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
    ///
    /// Where windows fire after so many records each of them has to be seen.
    var isAggregated: Bool {
        if case .sliced = self.kind { return self.trigger.earlyCount == nil }
        return false
    }

    /// Whether any window is fired before its end.
    var firesEarly: Bool { self.trigger.earlyCount != nil || self.trigger.earlyMilliseconds != nil }

    /// - Returns: Nil where the stream has no window.
    init?(_ plan: StreamPlan) {
        let definition = plan.definition
        guard let window = definition.window, let reduce = plan.reduce else { return nil }
        self.kind =
            switch window {
            case .tumbling(let size, let offset): .sliced(SliceGrid(size: size, slide: size, offset: offset))
            case .sliding(let size, let slide): .sliced(SliceGrid(size: size, slide: slide))
            case .session(let gap): .session(gap: gap)
            case .count(let count, let slide): .count(count: count, slide: slide)
            case .global: .global
            }
        switch reduce {
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

    package init(outOfOrdernessBound: Int64, tableBytes: Int, batchBytes: Int) {
        self.outOfOrdernessBound = outOfOrdernessBound
        self.tableBytes = tableBytes
        self.batchBytes = batchBytes
    }
}

/// The compiled functions of a stream that are called with a record.
struct StreamFunctions: Sendable {
    /// Whether they ask for anything beside their record.
    let usesSurroundings: Bool
    let map: MapCall
    let mapFieldCount: Int

    /// Nil where the machine runs the map.
    let emission: FieldEmission?
    let time: StreamTimeCall?

    /// Calls the map with the record that was decoded.
    @inline(__always)
    func callMap(_ machine: inout Machine<StreamMapHost>, _ box: SplitDecoder) throws(EvaluationError) {
        if box.hasFields, let emission = self.emission {
            if unsafe machine.host.emit(emission, of: box.fieldStart) { return }
            machine.host.truncateToMark()
        }
        try self.runMap(&machine, box)
    }

    private func runMap(_ machine: inout Machine<StreamMapHost>, _ box: SplitDecoder) throws(EvaluationError) {
        switch self.map {
        case .record(let function):
            _ = try machine.call(function, box.record)
        case .keyAndRecord(let function):
            _ = try machine.call(function, box.key, box.record)
        case .fields(let function, let whole, let takesKey):
            if box.hasFields {
                try self.callFields(function, takesKey: takesKey, &machine, box)
            } else if takesKey {
                _ = try machine.call(whole, box.key, box.record)
            } else {
                _ = try machine.call(whole, box.record)
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
            let fields = (0..<self.mapFieldCount).map { box.field($0) }
            _ = try machine.call(function, [box.key] + fields)
            return
        }
        switch self.mapFieldCount {
        case 1: _ = try machine.call(function, box.field(0))
        case 2: _ = try machine.call(function, box.field(0), box.field(1))
        case 3: _ = try machine.call(function, box.field(0), box.field(1), box.field(2))
        default: _ = try machine.call(function, (0..<self.mapFieldCount).map { box.field($0) })
        }
    }
}

/// The compiled `:time`.
struct StreamTimeCall: Sendable {
    /// Over fields, and how many; nil where it takes the whole record.
    let overFields: (function: FunctionIndex, count: Int)?
    let whole: FunctionIndex

    /// Whether it is a field as it is.
    let isField: Bool

    @inline(__always)
    func call(
        _ machine: inout Machine<StreamMapHost>,
        _ box: SplitDecoder,
        fieldStart: Int
    ) throws(EvaluationError) -> Value {
        if self.isField, box.hasFields { return box.field(fieldStart) }
        guard let (function, count) = self.overFields, box.hasFields else {
            return try machine.call(self.whole, box.record)
        }
        if count == 1 { return try machine.call(function, box.field(fieldStart)) }
        return try machine.call(function, (0..<count).map { box.field(fieldStart + $0) })
    }
}
