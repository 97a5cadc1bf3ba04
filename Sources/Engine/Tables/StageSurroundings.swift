internal import ConnectorKit

/// What surrounds the records of one reading subtask, for the functions that ask for it.
struct StageSurroundings {
    private let record: RecordSurroundings

    /// Whether any function asks: nothing is noted for a record otherwise.
    private let areUsed: Bool

    /// The numbers of the splits that messages name.
    private var numbers: [Int] = []
    private var reader: (any StreamReader)?
    private var origins: [SplitOrigin?] = []

    init(_ record: RecordSurroundings, areUsed: Bool) {
        self.record = record
        self.areUsed = areUsed
    }

    var sideBlocks: [OutputBlock] { self.record.sides.map(\.block) }

    mutating func addSplit(_ origin: SplitOrigin?) { self.origins.append(origin) }

    /// Records of a file follow.
    func beginBlock(of split: Int) { self.beginBlock(from: self.origins[split]) }

    func beginBlock(from origin: SplitOrigin?) { self.record.begin(nil, reader: nil, origin: origin) }

    /// Messages follow; `numbers` are those of the splits of their reader.
    mutating func beginBlock(of reader: any StreamReader, numbers: [Int]) {
        self.reader = reader
        self.numbers = numbers
    }

    /// A message is worked on; answers the number of its split.
    @inline(__always)
    func begin(_ message: StreamMessage) -> Int {
        let split = self.numbers[message.split]
        if self.areUsed { self.record.begin(message, reader: self.reader, origin: self.origins[split]) }
        return split
    }

    @inline(__always)
    func mark() { if self.areUsed { self.record.mark() } }

    @inline(__always)
    func setTime(_ time: Int64) { if self.areUsed { self.record.time = time } }

    func takeBack() { self.record.takeBack() }
}
