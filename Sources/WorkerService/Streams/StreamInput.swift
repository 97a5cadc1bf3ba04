internal import ConnectorKit
internal import CoreTypes
internal import Engine

/// What a reading subtask reads: blocks of files, or messages of a stream.
///
/// Isolation: one worker thread.
protocol StreamInput: AnyObject {
    /// Takes splits on, which the stage gets to know.
    func add(_ splits: [AssignedSplit], to stage: inout StreamMapStage) throws(EngineError)

    /// The least of the largest times seen in its splits that aren't read to their end: how far behind it is; nil where there
    /// is no such split.
    func latest(_ clock: WatermarkTracker) -> Int64?

    /// Hands the next block to the stage.
    func poll(_ stage: inout StreamMapStage) throws(EngineError) -> InputPoll

    /// The stage is done with the block.
    func endBlock(_ stage: inout StreamMapStage)

    /// Bytes read since this was last asked.
    func takeBytes() -> Int64

    /// Looks for splits that have nothing to say.
    func findIdle(_ stage: inout StreamMapStage, now: Int64, idleAfter: Int64)

    /// Lets splits wait that are more than the limit ahead of the least time of all, and others go on.
    func pace(_ stage: borrowing StreamMapStage, least: Int64, limit: Int64) throws(EngineError)

    /// How many splits wait so.
    var heldCount: Int { get }

    /// Records that are there and weren't read yet; nil where that isn't known.
    var lagRecords: Int64? { get }

    /// How far each of its splits has come.
    var advances: SplitAdvances { get }

    /// How far its splits have come, which may be in the middle of the block that the stage has.
    func progress(_ stage: borrowing StreamMapStage) -> [SplitProgress]

    /// Tells those who watch the source how far a complete checkpoint has come.
    func publish(_ progress: [SplitProgress])

    /// What hinders reading at present, for people; nil: nothing.
    var warning: String? { get }

    func close()
}

/// Of some splits: how many the outside system has answered about, and how many were read to their end once.
struct SplitAdvances: Hashable, Sendable {
    var answeredCount = 0
    var caughtUpCount = 0

    static func + (left: Self, right: Self) -> Self {
        Self(
            answeredCount: left.answeredCount + right.answeredCount,
            caughtUpCount: left.caughtUpCount + right.caughtUpCount
        )
    }
}

enum InputPoll {
    /// The stage has a block.
    case block
    /// A split has come to its end, or something else was done at once: poll again.
    case progressed
    /// There is nothing now.
    case nothing
    /// Every split is read to its end.
    case finished
}

/// Reads the files of one subtask, always that whose time is furthest behind: their records meet in about the order of
/// their times, whatever lies in which file.
final class FileStreamInput: StreamInput {
    private final class FileSplit {
        let name: String
        let split: Split
        let number: Int
        /// The position of the next record to read.
        var position: Int64
        var reader: (any SourceReader)?
        var isFinished = false

        init(name: String, split: Split, number: Int, position: Int64) {
            self.name = name
            self.split = split
            self.number = number
            self.position = position
        }
    }

    private let source: any Source
    private let framing: Framing
    private let block: SourceBlock
    private var splits: [FileSplit] = []
    private var current: FileSplit?
    private var bytes: Int64 = 0
    private var openCount = 0

    /// No file is read whose time is beyond this.
    private var timeLimit = WatermarkTracker.end
    private(set) var heldCount = 0

    /// Files that are open at once; beyond it the one that is furthest ahead is closed until its turn.
    private static let openLimit = 128

    init(source: any Source, framing: Framing, block: SourceBlock) {
        self.source = source
        self.framing = framing
        self.block = block
    }

    func add(_ assigned: [AssignedSplit], to stage: inout StreamMapStage) throws(EngineError) {
        for item in assigned {
            guard let split = item.split else { preconditionFailure("a source of files is given files") }
            var latest = item.latest
            let origin = SplitOrigin(sourceName: item.sourceName)
            if latest == WatermarkTracker.none { latest = try self.firstTime(of: split, origin, &stage) ?? latest }
            let number = stage.addSplit(named: split.resource, latest: latest, origin: origin)
            if !self.isCut(split) { stage.skipRecords(before: item.position, of: number) }
            self.splits.append(FileSplit(name: item.name, split: split, number: number, position: item.position))
        }
    }

    /// Whether reading can begin in the middle: lines of files that aren't compressed.
    private func isCut(_ split: Split) -> Bool {
        guard case .lines = self.framing else { return false }
        return split.end != nil
    }

    /// The time of the first record: until a split's turn comes it holds the watermark there.
    private func firstTime(
        of split: Split,
        _ origin: SplitOrigin,
        _ stage: inout StreamMapStage
    ) throws(EngineError) -> Int64? {
        do {
            let reader = try self.source.makeReader(for: split, framing: self.framing)
            defer { reader.close() }
            guard try reader.poll(into: self.block) == .block else { return nil }
            return stage.firstTime(of: self.block, split: split, origin: origin)
        } catch {
            throw .connector(error)
        }
    }

    func latest(_ clock: WatermarkTracker) -> Int64? {
        self.splits.lazy.filter { !$0.isFinished }.map { clock.latest(of: $0.number) }.min()
    }

    func poll(_ stage: inout StreamMapStage) throws(EngineError) -> InputPoll {
        var next: FileSplit?
        for split in self.splits where !split.isFinished {
            if let held = next, stage.clock.latest(of: held.number) <= stage.clock.latest(of: split.number) { continue }
            next = split
        }
        guard let next else { return .finished }
        // The others are further ahead.
        guard stage.clock.latest(of: next.number) <= self.timeLimit else {
            self.heldCount = self.splits.count { !$0.isFinished }
            return .nothing
        }
        self.heldCount = 0
        do {
            let reader = try self.reader(of: next, stage.clock)
            self.block.consumedBytes = 0
            if try reader.poll(into: self.block) == .end {
                self.bytes += self.block.consumedBytes
                self.close(next)
                next.isFinished = true
                try stage.endSplit(next.number)
                return .progressed
            }
        } catch let error as ConnectorError {
            throw .connector(error)
        } catch let error as EngineError {
            throw error
        } catch {
            throw .corrupt("\(error)")
        }
        self.bytes += self.block.consumedBytes
        self.current = next
        stage.begin(self.block, of: next.split, number: next.number)
        return .block
    }

    private func reader(of split: FileSplit, _ clock: WatermarkTracker) throws(ConnectorError) -> any SourceReader {
        if let reader = split.reader { return reader }
        if self.openCount >= Self.openLimit {
            let ahead = self.splits
                .filter { $0.reader != nil && self.isCut($0.split) }
                .max { clock.latest(of: $0.number) < clock.latest(of: $1.number) }
            if let ahead { self.close(ahead) }
        }
        var place = split.split
        if self.isCut(place), split.position > place.start {
            place = Split(
                id: place.id,
                resource: place.resource,
                start: split.position,
                end: place.end,
                weightBytes: place.weightBytes
            )
        }
        let reader = try self.source.makeReader(for: place, framing: self.framing)
        split.reader = reader
        self.openCount += 1
        return reader
    }

    private func close(_ split: FileSplit) {
        guard let reader = split.reader else { return }
        reader.close()
        split.reader = nil
        self.openCount -= 1
    }

    func endBlock(_ stage: inout StreamMapStage) {
        guard let current = self.current else { return }
        current.position = self.position(in: current, stage)
        self.current = nil
    }

    /// Where the record begins that is read next of the split whose block the stage has, or had last.
    private func position(in split: FileSplit, _ stage: borrowing StreamMapStage) -> Int64 {
        switch self.framing {
        case .lines: stage.positionOfNextLine(of: split.number)
        case .stream, .whole: stage.positionBehindLastRecord(of: split.number)
        }
    }

    func takeBytes() -> Int64 {
        defer { self.bytes = 0 }
        return self.bytes
    }

    func findIdle(_ stage: inout StreamMapStage, now: Int64, idleAfter: Int64) {}

    func pace(_ stage: borrowing StreamMapStage, least: Int64, limit: Int64) throws(EngineError) {
        let least = min(least, stage.clock.leastActive ?? WatermarkTracker.end)
        self.timeLimit = least == WatermarkTracker.end ? least : least + min(limit, SliceGrid.timeLimit)
    }

    var lagRecords: Int64? { nil }

    /// Files answer at once, and a stream of them ends by itself.
    var advances: SplitAdvances {
        SplitAdvances(answeredCount: self.splits.count, caughtUpCount: self.splits.count)
    }

    func progress(_ stage: borrowing StreamMapStage) -> [SplitProgress] {
        self.splits.map { split in
            let isOpen = split === self.current
            return SplitProgress(
                name: split.name,
                position: isOpen ? self.position(in: split, stage) : split.position,
                latest: stage.clock.latest(of: split.number),
                isFinished: split.isFinished
            )
        }
    }

    func publish(_ progress: [SplitProgress]) {}

    var warning: String? { nil }

    func close() {
        for split in self.splits { self.close(split) }
    }
}

/// Reads the messages of one subtask's splits.
final class MessageStreamInput: StreamInput {
    private struct MessageSplit {
        /// What checkpoints call it, and what its source does.
        let name: String
        let localName: String
        /// The position of the next record to read.
        var position: Int64
        /// When it last had something, or was behind its end.
        var activeAt: Int64?
    }

    private let reader: any StreamReader
    private let block = MessageBlock(capacity: MessageStreamInput.blockCapacity)
    private var splits: [MessageSplit] = []

    /// The numbers that the stage has for its splits.
    private var numbers: [Int] = []
    private var bytes: Int64 = 0
    private var pacer: SplitPacer?

    /// Messages taken at a time.
    private static let blockCapacity = 4_096

    init(reader: any StreamReader) {
        self.reader = reader
    }

    func add(_ assigned: [AssignedSplit], to stage: inout StreamMapStage) throws(EngineError) {
        do {
            try self.reader.add(assigned.map { StreamSplit(name: $0.localName, position: $0.position) })
        } catch {
            throw .connector(error)
        }
        for item in assigned {
            let message = MessageOrigin(split: item.localName)
            let origin = SplitOrigin(sourceName: item.sourceName, message: message)
            self.numbers.append(stage.addSplit(named: item.name, latest: item.latest, origin: origin))
            self.splits.append(
                MessageSplit(name: item.name, localName: item.localName, position: item.position)
            )
        }
    }

    func latest(_ clock: WatermarkTracker) -> Int64? {
        self.numbers.lazy.filter { !clock.isIdle($0) }.map { clock.latest(of: $0) }.min()
    }

    func poll(_ stage: inout StreamMapStage) throws(EngineError) -> InputPoll {
        self.block.removeAll()
        do {
            try self.reader.poll(into: self.block)
        } catch {
            throw .connector(error)
        }
        guard self.block.count > 0 else { return .nothing }
        for index in 0..<self.block.count {
            let message = self.block[index]
            unsafe self.bytes += Int64((message.value?.count ?? 0) + (message.key?.count ?? 0))
        }
        stage.begin(self.block, of: self.reader, numbers: self.numbers)
        return .block
    }

    func endBlock(_ stage: inout StreamMapStage) {
        for index in 0..<self.block.count {
            let message = self.block[index]
            self.splits[message.split].position = message.position + 1
            self.splits[message.split].activeAt = nil
        }
        self.block.removeAll()
    }

    func takeBytes() -> Int64 {
        defer { self.bytes = 0 }
        return self.bytes
    }

    /// A split is idle that is at its end and was silent for a while.
    func findIdle(_ stage: inout StreamMapStage, now: Int64, idleAfter: Int64) {
        var lag: Int64 = 0
        defer { self.lagRecords = lag }
        for index in self.splits.indices {
            let behind = self.reader.endPosition(of: index).map { $0 - self.splits[index].position } ?? 0
            lag += max(0, behind)
            let isAtEnd = self.reader.endPosition(of: index).map { self.splits[index].position >= $0 } ?? false
            guard isAtEnd, let activeAt = self.splits[index].activeAt else {
                self.splits[index].activeAt = now
                continue
            }
            if now - activeAt >= idleAfter { stage.setIdle(self.numbers[index]) }
        }
    }

    private(set) var lagRecords: Int64?

    var advances: SplitAdvances {
        let advances = self.splits.indices.map { self.reader.advance(of: $0) }
        return SplitAdvances(
            answeredCount: advances.count { $0 != .unanswered },
            caughtUpCount: advances.count { $0 == .caughtUp }
        )
    }

    func pace(_ stage: borrowing StreamMapStage, least: Int64, limit: Int64) throws(EngineError) {
        var pacer = self.pacer ?? SplitPacer(limit: limit)
        for change in pacer.update(stage.clock, least: least) {
            // Of a union other inputs have the other splits.
            guard let split = self.numbers.firstIndex(of: change.split) else { continue }
            do {
                try self.reader.setPaused(split, change.waits)
            } catch {
                throw .connector(error)
            }
        }
        self.pacer = pacer
    }

    var heldCount: Int { self.pacer?.waitingSplits.count { self.numbers.contains($0) } ?? 0 }

    func progress(_ stage: borrowing StreamMapStage) -> [SplitProgress] {
        var positions = self.splits.map(\.position)
        for index in 0..<min(stage.processedMessageCount, self.block.count) {
            let message = self.block[index]
            positions[message.split] = message.position + 1
        }
        return self.splits.enumerated().map { index, split in
            SplitProgress(
                name: split.name,
                position: positions[index],
                latest: stage.clock.latest(of: self.numbers[index]),
                isFinished: false
            )
        }
    }

    func publish(_ progress: [SplitProgress]) {
        // Its own splits alone: of a union it is given those of all sources.
        let positions = Dictionary(uniqueKeysWithValues: progress.map { ($0.name, $0.position) })
        self.reader.publish(
            self.splits.compactMap { split in
                positions[split.name].map { StreamSplit(name: split.localName, position: $0) }
            }
        )
    }

    var warning: String? { self.reader.warning }

    func close() { self.reader.close() }
}
