package import ConnectorKit

/// What a reading stage is working on.
enum StreamMapInput {
    case none
    case block(split: Int)
    case messages(MessageBlock, next: Int)
    case records(EmittedRecords, next: Int)
}

/// A slice that still takes records.
struct OpenSlice {
    let start: Int64
    let box: SliceBox
}

extension StreamMapStage {
    /// Takes messages, which must stay as they are until ``step()`` answers false.
    ///
    /// `numbers`: For each split of their reader the number that ``addSplit(named:latest:)`` gave.
    package mutating func begin(_ messages: MessageBlock, numbers: [Int]) {
        self.messageSplits = numbers
        self.input = .messages(messages, next: 0)
    }

    /// Takes records of a keyed stage, which must stay as they are until ``step()`` answers false.
    package mutating func begin(_ records: EmittedRecords) {
        self.input = .records(records, next: 0)
    }
}
