internal import ConnectorKit
internal import Engine
internal import FluentSyntax
internal import JobPlan

/// Reads what a job wrote, pair by pair: what `job:get-results` gives.
///
/// Text comes back as `[key value]` with numbers where they look like numbers; JSON and CSV as they were written.
final class ResultReader {
    private let source: any Source
    private let format: RecordFormat
    private let range: SourceRange
    private var splits: [Split] = []
    private var nextSplit = 0
    private var reader: (any SourceReader)?
    private let block = SourceBlock(capacity: 256 << 10)
    private var position = 0
    private var scratch = ByteBuffer()

    init(
        _ definition: JobDefinition,
        connectors: any ConnectorResolver,
        at range: SourceRange
    ) throws(EvaluationError) {
        guard definition.output.name == "distributed-path" else {
            throw EvaluationError(
                .host(message: "the results of a job can be read where its output is a distributed-path"),
                at: range
            )
        }
        let paths = definition.output.arguments.map { SettingValue($0) }
        self.format = definition.sinkFormat
        self.range = range
        do {
            self.source = try connectors.makeSource(
                ConnectorSettings(name: "distributed-files", arguments: paths, options: [:])
            )
            self.splits = try self.source.enumerateSplits(framing: Self.framing, targetBytes: .max)
        } catch {
            throw EvaluationError(.host(message: error.message), at: range)
        }
    }

    private static let framing = Framing.lines(lengthLimit: 256 << 20)

    func rewind() throws(EvaluationError) {
        self.reader?.close()
        self.reader = nil
        self.nextSplit = 0
        self.block.count = 0
        self.position = 0
    }

    func next(in arena: inout Arena) throws(EvaluationError) -> Value? {
        do {
            while self.position >= self.block.count {
                guard try self.fill() else { return nil }
            }
        } catch {
            throw EvaluationError(.host(message: error.message), at: self.range)
        }
        guard let value = self.value(of: self.line(), in: &arena) else {
            throw EvaluationError(.memoryLimit(bytes: Int64(arena.limitBytes)), at: self.range)
        }
        return value
    }

    /// - Returns: False at the end of the last part.
    private func fill() throws(ConnectorError) -> Bool {
        guard let reader = self.reader else {
            guard self.nextSplit < self.splits.count else { return false }
            self.reader = try self.source.makeReader(for: self.splits[self.nextSplit], framing: Self.framing)
            self.nextSplit += 1
            return true
        }
        self.position = 0
        if try reader.poll(into: self.block) == .end {
            reader.close()
            self.reader = nil
            self.block.count = 0
        }
        return true
    }

    private func line() -> Bytes {
        let start = unsafe UnsafePointer(self.block.base.assumingMemoryBound(to: UInt8.self)) + self.position
        var count = 0
        while self.position + count < self.block.count, unsafe start[count] != UInt8(ascii: "\n") { count += 1 }
        self.position += count + 1
        return unsafe Bytes(start: start, count: count)
    }

    /// Nil where the arena is full.
    private func value(of line: Bytes, in arena: inout Arena) -> Value? {
        switch self.format {
        case .json:
            // What isn't JSON after all is given as it is.
            return (try? JSONReader.read(line, in: &arena)) ?? arena.makeText(.string, copying: line)
        case .text:
            guard let tab = line.firstIndex(of: Self.tab, from: 0) else {
                return arena.makeText(.string, copying: line)
            }
            guard let key = self.scalar(line.slice(0, tab), in: &arena),
                let value = self.scalar(line.slice(tab + 1, line.count), in: &arena),
                let pair = arena.makeElements(2)
            else { return nil }
            pair[0] = key
            pair[1] = value
            return Value(.list, of: pair)
        case .csv, .bytes:
            return arena.makeText(.string, copying: line)
        }
    }

    private static let tabBytes: StaticString = "\t"
    private static var tab: Bytes { unsafe Bytes(start: Self.tabBytes.utf8Start, count: 1) }

    private func scalar(_ text: Bytes, in arena: inout Arena) -> Value? {
        if let integer = NumberText.integer(of: text) { return Value(integer) }
        if let float = NumberText.float(of: text) { return Value(float) }
        if text.count > 0, text[0] == UInt8(ascii: "{") || text[0] == UInt8(ascii: "["),
            let value = try? JSONReader.read(text, in: &arena)
        {
            return value
        }
        self.unescape(text)
        return arena.makeText(.string, copying: self.scratch.bytes)
    }

    /// Undoes what the text format does to tabs, line ends and backslashes.
    private func unescape(_ text: Bytes) {
        self.scratch.removeAll()
        var index = 0
        while index < text.count {
            let byte = text[index]
            index += 1
            guard byte == UInt8(ascii: "\\"), index < text.count else {
                self.scratch.append(byte)
                continue
            }
            switch text[index] {
            case UInt8(ascii: "t"): self.scratch.append(UInt8(ascii: "\t"))
            case UInt8(ascii: "n"): self.scratch.append(UInt8(ascii: "\n"))
            case UInt8(ascii: "r"): self.scratch.append(UInt8(ascii: "\r"))
            case let other: self.scratch.append(other)
            }
            index += 1
        }
    }
}
