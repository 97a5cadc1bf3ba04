package import FluentSyntax

/// A stage of a stream between what reads and its window or sink.
package struct StreamStage: Sendable {
    package enum Operation: Sendable {
        /// Every record goes on.
        case pass
        /// Of the records of a key whose event times are less than so many milliseconds apart only the first goes on.
        case deduplicate(within: Int64)
        case process(ProcessFunctions)
        /// Its records are lists of whether they are of the right side, and the record.
        case join(StreamJoin)
    }

    package let operation: Operation

    /// Whether records come to it by key; otherwise they stay with the subtask that made them.
    package let isKeyed: Bool

    /// What it is called in checkpoints, unlike any other of the stream; nil where it keeps nothing.
    package let operatorID: String?

    /// What its state means: stages with equal texts, and no others, can read each other's.
    package let shape: String

    /// What becomes of the records that it hands on: emits a key and ``columnCount`` values, as ``StreamDefinition/map``.
    package let map: Closure
    package let columnCount: Int

    /// Where it was written.
    package let range: SourceRange

    package init(
        _ operation: Operation,
        isKeyed: Bool,
        operatorID: String?,
        shape: String,
        map: (closure: Closure, columnCount: Int),
        range: SourceRange
    ) {
        self.operation = operation
        self.isKeyed = isKeyed
        self.operatorID = operatorID
        self.shape = shape
        self.map = map.closure
        self.columnCount = map.columnCount
        self.range = range
    }

    func with(_ operation: Operation, map: Closure) -> StreamStage {
        StreamStage(
            operation,
            isKeyed: self.isKeyed,
            operatorID: self.operatorID,
            shape: self.shape,
            map: (map, self.columnCount),
            range: self.range
        )
    }
}

/// What a `process` does with the records and timers of a key.
package struct ProcessFunctions: Sendable {
    /// One parameter, the record; it emits nil and a record.
    package let onEvent: Closure

    /// One parameter, the time that was set.
    package let onTimer: Closure?

    /// Milliseconds of event time behind the last write after which a state is gone; nil: never.
    package let timeToLive: Int64?

    package init(onEvent: Closure, onTimer: Closure?, timeToLive: Int64?) {
        self.onEvent = onEvent
        self.onTimer = onTimer
        self.timeToLive = timeToLive
    }
}
