internal import ConnectorKit

/// What is being worked on.
enum StreamInput {
    case none
    case block(split: Int)
    case messages(MessageBlock, next: Int)
}

/// A slice that still takes records.
struct OpenSlice {
    let start: Int64
    let box: SliceBox
}
