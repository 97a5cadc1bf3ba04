internal import FluentSyntax
package import JobPlan

/// How the aggregates of a key and slice lie in the payload of its table slot: some 64-bit words each.
///
/// | state    | words                                                    | of                              |
/// | -------- | -------------------------------------------------------- | ------------------------------- |
/// | counter  | number of records                                        | `count`                         |
/// | number   | integer so far, number of values, address of a state     | `sum`, `min`, `max`, `mean`     |
/// | ordered  | time, address of a value                                 | `first`, `last`                 |
/// | chain    | address of the first value, of the last, number          | `collect`, `top`, `quantile`    |
/// | distinct | number of values, number of the key, newest of its values | `count-distinct`               |
/// | sketch   | address of registers                                     | `count-distinct-approx`         |
///
/// All zero is the state of nothing.
package struct WindowLayout: Sendable {
    enum Storage: Sendable {
        case counter
        case number
        case ordered(takesLast: Bool)
        case chain
        /// The number says which of the table's sets.
        case distinct(Int)
        case sketch
    }

    struct Column: Sendable {
        let aggregate: WindowAggregate
        let storage: Storage
        /// Its first word in the payload.
        let offset: Int
    }

    let columns: [Column]
    let wordCount: Int
    let distinctCount: Int

    /// Whether any state depends on the times of records.
    let needsTimes: Bool

    /// What holds the values themselves, in the order they came, for a reduce that reads them.
    package static let values = WindowLayout(
        [WindowAggregate(.collect, column: 0, skipsNil: false, range: SourceRange(start: 0, end: 0))]
    )

    package init(_ aggregates: [WindowAggregate]) {
        var columns: [Column] = []
        var offset = 0
        var distinctCount = 0
        var needsTimes = false
        for aggregate in aggregates {
            let storage: Storage
            switch aggregate.function {
            case .count:
                storage = .counter
            case .sum, .min, .max, .mean:
                storage = .number
            case .first, .last:
                storage = .ordered(takesLast: aggregate.function == .last)
                needsTimes = true
            case .collect, .top, .quantile:
                storage = .chain
            case .countDistinct:
                storage = .distinct(distinctCount)
                distinctCount += 1
            case .countDistinctApproximate:
                storage = .sketch
            }
            columns.append(Column(aggregate: aggregate, storage: storage, offset: offset))
            offset += Self.wordCount(of: storage)
        }
        self.columns = columns
        self.wordCount = max(offset, 1)
        self.distinctCount = distinctCount
        self.needsTimes = needsTimes
    }

    private static func wordCount(of storage: Storage) -> Int {
        switch storage {
        case .counter, .sketch: 1
        case .ordered: 2
        case .number, .chain, .distinct: 3
        }
    }
}

extension WindowAggregate {
    /// The number of records.
    static let records = WindowAggregate(.count, column: nil, skipsNil: false, range: SourceRange(start: 0, end: 0))
}
