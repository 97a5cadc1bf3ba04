package import FluentSyntax

/// A stream job, ready for the engine.
package struct StreamPlan: Sendable {
    package let definition: StreamDefinition

    /// Which fields of a record are decoded, where only fields are read: those of the map first, then those of the time.
    package let decode: DecodeStep

    /// The map, inlined and folded: over fields where ``decode`` has them.
    package let map: MapFunction

    /// The time, over the ``timeFieldCount`` last fields where ``decode`` has them.
    package let time: TimeFunction?

    /// The reduce, with aggregates where they were recognised.
    package let reduce: WindowReduce

    /// What the passes did.
    package let rewrites: [Rewrite]

    package init(
        definition: StreamDefinition,
        decode: DecodeStep,
        map: MapFunction,
        time: TimeFunction?,
        reduce: WindowReduce,
        rewrites: [Rewrite]
    ) {
        self.definition = definition
        self.decode = decode
        self.map = map
        self.time = time
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
