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
    /// `numbers`: For each split of their reader the number that ``addSplit(named:latest:origin:)`` gave.
    package mutating func begin(_ messages: MessageBlock, of reader: any StreamReader, numbers: [Int]) {
        self.surroundings.beginBlock(of: reader, numbers: numbers)
        self.input = .messages(messages, next: 0)
    }

    /// Takes records of a keyed stage, which must stay as they are until ``step()`` answers false.
    package mutating func begin(_ records: EmittedRecords) {
        self.input = .records(records, next: 0)
    }

    /// What is on its way to side outputs, to be taken, in the order of the definition.
    package var sideBlocks: [OutputBlock] { self.surroundings.sideBlocks }
}
