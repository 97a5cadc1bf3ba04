/// One submission of a job: unique in a cluster, never used twice.
public struct JobID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public var description: String { self.rawValue }
}

/// One logical step of a job: stable across submissions of the same program.
public struct OperatorID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public var description: String { self.rawValue }
}

/// A stage of a job graph: the operators fused between two shuffles.
///
/// Numbered from 0 in topological order.
public struct StageIndex: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: Int

    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    public static func < (left: StageIndex, right: StageIndex) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// One try at running a subtask, from 1.
public struct AttemptNumber: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: Int

    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    public static let first = AttemptNumber(rawValue: 1)

    public static func < (left: AttemptNumber, right: AttemptNumber) -> Bool {
        left.rawValue < right.rawValue
    }

    public func next() -> AttemptNumber {
        AttemptNumber(rawValue: self.rawValue + 1)
    }
}

/// One parallel instance of a stage.
public struct SubtaskID: Hashable, Sendable {
    public let stage: StageIndex
    public let index: Int

    public init(stage: StageIndex, index: Int) {
        self.stage = stage
        self.index = index
    }
}

/// A unit of reading of one source, numbered from 0 in the order of enumeration.
public struct SplitID: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: Int

    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    public static func < (left: SplitID, right: SplitID) -> Bool {
        left.rawValue < right.rawValue
    }
}
