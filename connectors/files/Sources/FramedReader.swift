internal import ConnectorKit
private import Glibc

/// Cuts the bytes of one split into blocks as the framing wants them.
@safe
final class FramedReader<Supply: ByteSupply & ~Copyable>: SourceReader {
    private var supply: Supply
    private let path: String
    private let framing: Framing

    /// The first position that no longer belongs to the split; `Int64.max` where the resource's end is the split's.
    private let end: Int64

    /// The bytes behind the last delivered line end: the beginning of the next block.
    private var carry: [UInt8] = []
    private var isDone = false

    /// Memory for carried bytes that is kept from block to block: what a long line needed beyond is given back.
    private static var keptCarryBytes: Int { 1 << 20 }

    /// The supply stands at the first byte to deliver.
    init(_ supply: consuming Supply, path: String, framing: Framing, end: Int64) {
        self.supply = supply
        self.path = path
        self.framing = framing
        self.end = end
    }

    func poll(into block: SourceBlock) throws(ConnectorError) -> SourcePoll {
        block.reset()
        block.consumedBytes = 0
        guard !self.isDone else { return .end }
        switch self.framing {
        case .lines(let limit): try self.readLines(into: block, limit: limit)
        case .stream: try self.readStream(into: block)
        case .whole(let limit): try self.readWhole(into: block, limit: limit)
        }
        block.consumedBytes = self.supply.takeConsumed()
        if self.isDone { try self.supply.verifyUnchanged() }
        return block.count > 0 ? .block : .end
    }

    func close() {
        self.isDone = true
        self.carry = []
    }

    private func readStream(into block: SourceBlock) throws(ConnectorError) {
        block.position = self.supply.position
        let room = unsafe UnsafeMutableRawBufferPointer(start: block.base, count: block.capacity)
        block.count = try unsafe self.supply.read(into: room)
        self.isDone = block.count < block.capacity
    }

    private func readWhole(into block: SourceBlock, limit: Int) throws(ConnectorError) {
        block.position = 0
        // One byte more than the limit, which shows that there is too much.
        let most = limit &+ 1 > limit ? limit + 1 : limit
        var filled = 0
        while true {
            let room = min(block.capacity, most)
            filled += try self.fill(block, filled..<room)
            if filled < room { break }
            guard room < most else { throw self.tooLong("the file is", limit: limit, offset: 0, unit: "'files'") }
            block.grow(to: min(block.capacity * 2, most), preserving: filled)
        }
        block.count = filled
        self.isDone = true
    }

    /// Delivers whole lines, at least one.
    ///
    /// The block is never filled with more than a line of `limit` bytes and its end, so that no line in it can be
    /// longer, without looking at each.
    private func readLines(into block: SourceBlock, limit: Int) throws(ConnectorError) {
        let most = limit &+ 1 > limit ? limit + 1 : limit
        var start = self.supply.position - Int64(self.carry.count)
        block.position = start
        var filled = self.restoreCarry(into: block)
        // What is carried holds no line end.
        var searched = filled
        while true {
            let room = min(block.capacity, most)
            let wanted = self.wanted(room - filled, from: start + Int64(filled))
            let count = try self.fill(block, filled..<filled + wanted)
            filled += count
            if start == 0, filled >= Self.mark.count, self.removeMark(from: block, &filled) {
                start = Int64(Self.mark.count)
                block.position = start
                searched = 0
            }
            if let cut = self.cut(block, start: start, from: searched, to: filled, isAtEnd: count < wanted) {
                block.count = cut
                self.saveCarry(of: block, cut..<filled)
                return
            }
            searched = filled
            guard filled == room else { continue }
            guard room < most else { throw self.tooLong("a line is", limit: limit, offset: start, unit: "lines") }
            block.grow(to: min(block.capacity * 2, most), preserving: filled)
        }
    }

    /// What some programs write in front of UTF-8: no part of the first line.
    private static var mark: [UInt8] { [0xEF, 0xBB, 0xBF] }

    /// Removes a byte order mark at the beginning of a resource.
    private func removeMark(from block: SourceBlock, _ filled: inout Int) -> Bool {
        let mark = Self.mark
        guard unsafe UnsafeRawBufferPointer(start: block.base, count: mark.count).elementsEqual(mark) else {
            return false
        }
        filled -= mark.count
        unsafe memmove(block.base, block.base + mark.count, filled)
        return true
    }

    /// How much to read at most: near the split's end not a whole block, because the rest belongs to others.
    private func wanted(_ room: Int, from position: Int64) -> Int {
        guard self.end != Int64.max else { return room }
        // Most lines that reach over the edge end soon; one that doesn't is read in larger steps.
        let overhang: Int64 = position < self.end ? 4 * 1_024 : 256 * 1_024
        return Int(min(Int64(room), max(self.end - position, 0) + overhang))
    }

    /// How many of `to` bytes are whole lines of the split; nil where not even one line is complete.
    private func cut(_ block: SourceBlock, start: Int64, from: Int, to: Int, isAtEnd: Bool) -> Int? {
        let memory = unsafe UnsafeRawPointer(block.base)
        if start + Int64(to) >= self.end {
            let last = Int(self.end - 1 - start)
            if let index = unsafe Newline.first(in: memory, from: max(from, last), to: to) {
                self.isDone = true
                return index + 1
            }
        }
        if isAtEnd {
            self.isDone = true
            return to
        }
        return unsafe Newline.last(in: memory, from: from, to: to).map { $0 + 1 }
    }

    private func fill(_ block: SourceBlock, _ range: Range<Int>) throws(ConnectorError) -> Int {
        try unsafe self.supply.read(
            into: UnsafeMutableRawBufferPointer(start: block.base + range.lowerBound, count: range.count)
        )
    }

    private func restoreCarry(into block: SourceBlock) -> Int {
        let count = self.carry.count
        block.grow(to: count, preserving: 0)
        unsafe self.carry.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            unsafe block.base.copyMemory(from: source, byteCount: bytes.count)
        }
        return count
    }

    private func saveCarry(of block: SourceBlock, _ range: Range<Int>) {
        self.carry.removeAll(keepingCapacity: self.carry.capacity <= Self.keptCarryBytes)
        guard !self.isDone else { return }
        unsafe self.carry.append(
            contentsOf: UnsafeRawBufferPointer(start: block.base + range.lowerBound, count: range.count)
        )
    }

    private func tooLong(_ what: String, limit: Int, offset: Int64, unit: String) -> ConnectorError {
        let message =
            "can't read '\(self.path)': \(what) longer than \(limit) bytes at byte \(offset); "
            + "is it really a file of \(unit)?"
        return ConnectorError(.user, retry: .never, message)
    }
}
