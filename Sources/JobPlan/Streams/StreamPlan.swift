package import FluentSyntax

/// A stream job, ready for the engine.
package struct StreamPlan: Sendable {
    package let definition: StreamDefinition

    /// Which fields of a record are decoded, where only fields are read: those of the map first, then those of the time.
    package let decode: DecodeStep

    /// The map, inlined and folded: over fields where ``decode`` has them.
    ///
    /// It emits a key and ``columnCount`` values, as ``StreamDefinition/map`` does.
    package let map: MapFunction

    /// How many values the map emits beside the key: those that ``reduce`` reads, where they are aggregates.
    package let columnCount: Int

    /// The time, over the ``timeFieldCount`` last fields where ``decode`` has them.
    package let time: TimeFunction?

    /// The stages behind the map, their functions inlined.
    package let stages: [StreamStage]

    /// The reduce, with aggregates where they were recognised; nil where there is no window.
    package let reduce: WindowReduce?

    /// What the passes did.
    package let rewrites: [Rewrite]

    package init(
        definition: StreamDefinition,
        decode: DecodeStep,
        map: (function: MapFunction, columnCount: Int),
        time: TimeFunction?,
        stages: [StreamStage] = [],
        reduce: WindowReduce?,
        rewrites: [Rewrite]
    ) {
        self.definition = definition
        self.decode = decode
        self.map = map.function
        self.columnCount = map.columnCount
        self.time = time
        self.stages = stages
        self.reduce = reduce
        self.rewrites = rewrites
    }
}

/// The `:time` of a stream.
package struct TimeFunction: Sendable {
    /// Over fields, one parameter each; nil where the whole record is needed.
    package let overFields: Closure?

    /// How many parameters ``overFields`` has.
    package let fieldCount: Int

    /// Over the record: for those that aren't maps too.
    package let whole: Closure

    package init(overFields: Closure?, fieldCount: Int, whole: Closure) {
        self.overFields = overFields
        self.fieldCount = fieldCount
        self.whole = whole
    }
}
