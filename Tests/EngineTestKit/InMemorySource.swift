package import ConnectorKit
internal import CoreTypes
internal import Synchronization

/// A source of texts, one split each, which breaks where a test says so.
package final class InMemorySource: Source {
    /// Which call fails; calls are counted from 1.
    package enum Fault: Hashable, Sendable {
        case enumerating
        case opening(call: Int)
        case polling(call: Int)
    }

    /// What was asked of it.
    package struct Calls: Hashable, Sendable {
        package var enumerations = 0
        package var opened = 0
        package var polls = 0
        package var closed = 0
    }

    package let summary = "memory"
    private let texts: [[UInt8]]
    private let blockBytes: Int
    private let repeatCount: Int
    private let fault: Fault?
    private let onPoll: Hook
    private let state = Mutex(Calls())

    /// - Parameters:
    ///   - texts: The content of each resource.
    ///   - blockBytes: What a block holds at most, unless one line is longer.
    ///   - repeatCount: How often each text is delivered, one time behind the other.
    ///   - fault: What goes wrong, if anything.
    ///   - onPoll: Is called before each poll.
    package init(
        _ texts: [[UInt8]],
        blockBytes: Int = 1 << 16,
        repeatCount: Int = 1,
        fault: Fault? = nil,
        onPoll: Hook = Hook()
    ) {
        self.texts = texts
        self.blockBytes = blockBytes
        self.repeatCount = repeatCount
        self.fault = fault
        self.onPoll = onPoll
    }

    package convenience init(_ texts: [String], blockBytes: Int = 1 << 16, fault: Fault? = nil) {
        self.init(texts.map { Array($0.utf8) }, blockBytes: blockBytes, fault: fault)
    }

    package var calls: Calls { self.state.withLock { $0 } }

    /// Its splits: what ``enumerateSplits(framing:targetBytes:)`` lists.
    package var splits: [Split] {
        self.texts.enumerated().map { index, text in
            Split(
                id: SplitID(rawValue: index),
                resource: "text-\(index)",
                start: 0,
                end: nil,
                weightBytes: Int64(text.count * self.repeatCount)
            )
        }
    }

    package func enumerateSplits(framing: Framing, targetBytes: Int64) throws(ConnectorError) -> [Split] {
        self.state.withLock { $0.enumerations += 1 }
        if self.fault == .enumerating { throw .injected("can't list 'memory'") }
        return self.splits
    }

    package func makeReader(for split: Split, framing: Framing) throws(ConnectorError) -> any SourceReader {
        let call = self.state.withLock { calls in
            calls.opened += 1
            return calls.opened
        }
        if self.fault == .opening(call: call) {
            self.state.withLock { $0.opened -= 1 }
            throw .injected("can't open '\(split.resource)'")
        }
        return InMemoryReader(
            source: self,
            text: self.texts[split.id.rawValue],
            framing: framing,
            blockBytes: self.blockBytes,
            roundCount: self.repeatCount
        )
    }

    fileprivate func notePoll() throws(ConnectorError) {
        let call = self.state.withLock { calls in
            calls.polls += 1
            return calls.polls
        }
        self.onPoll.fire()
        if self.fault == .polling(call: call) { throw .injected("can't read 'memory'") }
    }

    fileprivate func noteClose() {
        self.state.withLock { $0.closed += 1 }
    }
}

private final class InMemoryReader: SourceReader {
    private let source: InMemorySource
    private let text: [UInt8]
    private let framing: Framing
    private let blockBytes: Int
    private var roundsLeft: Int
    private var offset = 0
    private var delivered: Int64 = 0

    init(source: InMemorySource, text: [UInt8], framing: Framing, blockBytes: Int, roundCount: Int) {
        self.source = source
        self.text = text
        self.framing = framing
        self.blockBytes = blockBytes
        self.roundsLeft = text.isEmpty ? 0 : roundCount
    }

    func poll(into block: SourceBlock) throws(ConnectorError) -> SourcePoll {
        try self.source.notePoll()
        block.count = 0
        guard self.roundsLeft > 0 else { return .end }
        let end = self.blockEnd
        block.grow(to: end - self.offset, preserving: 0)
        unsafe self.text[self.offset..<end].withUnsafeBytes { bytes in
            unsafe UnsafeMutableRawBufferPointer(start: block.base, count: bytes.count).copyMemory(from: bytes)
        }
        block.count = end - self.offset
        block.position = self.delivered
        block.consumedBytes = Int64(block.count)
        self.delivered += Int64(block.count)
        self.offset = end
        if end == self.text.count {
            self.offset = 0
            self.roundsLeft -= 1
        }
        return .block
    }

    private var blockEnd: Int {
        let limit = min(self.offset + self.blockBytes, self.text.count)
        switch self.framing {
        case .whole: return self.text.count
        case .stream: return limit
        case .lines:
            let newline = UInt8(ascii: "\n")
            if let last = self.text[self.offset..<limit].lastIndex(of: newline) { return last + 1 }
            return self.text[limit...].firstIndex(of: newline).map { $0 + 1 } ?? self.text.count
        }
    }

    func close() {
        self.source.noteClose()
    }
}

/// Something that a test does in the middle of a run: set before it, called by the run.
package final class Hook: Sendable {
    private let state = Mutex<(calls: Int, action: (@Sendable (Int) -> Void)?)>((0, nil))

    package init() {}

    /// `action` gets the number of the call, from 1.
    package func set(_ action: @escaping @Sendable (Int) -> Void) {
        self.state.withLock { $0.action = action }
    }

    package func fire() {
        let (call, action) = self.state.withLock { state in
            state.calls += 1
            return (state.calls, state.action)
        }
        action?(call)
    }
}

extension ConnectorError {
    /// What a test makes go wrong.
    package static func injected(_ message: String, domain: Domain = .external) -> ConnectorError {
        ConnectorError(domain, retry: .never, "\(message): the test wants it so; change the test")
    }
}
