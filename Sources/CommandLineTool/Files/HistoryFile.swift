import Engine
import Environment
import Linearizability

/// Why a line of a history can't be read.
struct HistoryFileError: Error, Hashable, Sendable, CustomStringConvertible {
    let line: Int
    let reason: String

    var description: String { "line \(self.line): \(self.reason)" }
}

/// What clients asked of a store and were told, as JSON lines in the order in which it happened.
///
/// Each is an object with `process` (whatever names one), `type` (`invoke`, `ok`, `fail` or `info`), `f` (`read`, `write`
/// or `cas`), `key` (anything; nothing if there is only one) and `value`: what was read or written, or `[expected, new]`.
/// Null is the value of a key that was never written. `fail` says that an operation certainly had no effect; `info`, or
/// no second line, that nobody knows. Other `f`, such as a nemesis writes, are skipped.
struct HistoryFile: ~Copyable {
    /// Bytes of a line at most.
    static let lineLimit = 1 << 20

    private static let arenaLimit = 64 << 20

    /// Operations at most.
    static let operationsLimit = 10_000_000

    private var arena = Arena(limitBytes: Self.arenaLimit)
    private var buffer = ByteBuffer()

    /// By number, 0 is null.
    private(set) var values = Names(["null"])
    private(set) var keys = Names([])
    private(set) var processes = Names([])

    /// What each process waits for: its position in `operations`.
    private var waiting: [Int: Int] = [:]

    /// Nil where one failed.
    private var operations: [HistoryOperation?] = []

    /// Texts, numbered in the order in which they came.
    struct Names {
        private(set) var texts: [String] = []
        private var numbers: [String: Int] = [:]

        init(_ texts: [String]) {
            for text in texts { _ = self.number(of: text) }
        }

        mutating func number(of text: String) -> Int {
            if let known = self.numbers[text] { return known }
            self.numbers[text] = self.texts.count
            self.texts.append(text)
            return self.texts.count - 1
        }
    }

    /// The fields of a line that count.
    private struct Entry {
        var process: Int
        var type: String
        var function: String
        var key: Int
        var value: Value
    }

    init() {}

    /// Takes the next line; lines are numbered from 1.
    mutating func take(_ line: [UInt8], number: Int) throws(HistoryFileError) {
        guard line.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\r") }) else { return }
        self.arena.reset()
        try unsafe line.withUnsafeBufferPointer { bytes throws(HistoryFileError) in
            guard let start = bytes.baseAddress else { return }
            try self.take(unsafe Bytes(start: start, count: bytes.count), number: number)
        }
    }

    /// The operations, in the order in which they began; times are lines.
    func finish() -> [HistoryOperation] { self.operations.compactMap(\.self) }

    // MARK: Lines

    private mutating func take(_ line: Bytes, number: Int) throws(HistoryFileError) {
        guard let entry = try self.entry(of: line, number: number) else { return }
        if entry.type == "invoke" {
            try self.began(entry, number)
        } else {
            try self.ended(entry, number)
        }
    }

    private mutating func entry(of line: Bytes, number: Int) throws(HistoryFileError) -> Entry? {
        let object: Value
        do {
            object = try JSONReader.read(line, in: &self.arena)
        } catch {
            throw HistoryFileError(line: number, reason: "\(error)")
        }
        guard object.has(.map) else { throw HistoryFileError(line: number, reason: "expected an object") }
        let fields = ["process", "type", "f", "key", "value"].map { Self.field($0, of: object) }
        guard let process = fields[0] else {
            throw HistoryFileError(line: number, reason: "expected a field \"process\" that names who asked")
        }
        let types = ["invoke", "ok", "fail", "info"]
        guard let type = fields[1], type.isText, types.contains(type.text.string) else {
            throw HistoryFileError(
                line: number,
                reason: "expected a field \"type\" that is \"invoke\", \"ok\", \"fail\" or \"info\""
            )
        }
        guard let function = fields[2], function.isText else {
            throw HistoryFileError(
                line: number,
                reason: "expected a field \"f\" that is \"read\", \"write\" or \"cas\""
            )
        }
        guard ["read", "write", "cas"].contains(function.text.string) else { return nil }
        return Entry(
            process: self.processes.number(of: try self.text(of: process, number)),
            type: type.text.string,
            function: function.text.string,
            key: self.keys.number(of: try self.text(of: fields[3] ?? .nil, number)),
            value: fields[4] ?? .nil
        )
    }

    private static func field(_ name: String, of object: Value) -> Value? {
        let pairs = object.pairs
        for index in 0..<object.count where pairs[2 * index].text.string == name { return pairs[2 * index + 1] }
        return nil
    }

    /// A value's JSON text: equal values have equal texts.
    private mutating func text(of value: Value, _ number: Int) throws(HistoryFileError) -> String {
        self.buffer.removeAll()
        var json = ValueJSON(byteLimit: Self.lineLimit)
        do {
            try json.append(value, to: &self.buffer)
        } catch {
            throw HistoryFileError(line: number, reason: "a value is too large")
        }
        return self.buffer.bytes.string
    }

    // MARK: Operations

    /// A process that goes on without having been answered will never know: its earlier operation stays open.
    private mutating func began(_ entry: Entry, _ number: Int) throws(HistoryFileError) {
        guard self.operations.count < Self.operationsLimit else {
            throw HistoryFileError(line: number, reason: "more than \(Self.operationsLimit) operations")
        }
        let action: HistoryOperation.Action
        switch entry.function {
        case "read": action = .read(nil)
        case "write": action = .write(try self.value(entry.value, number))
        default:
            guard entry.value.has(.list), entry.value.count == 2 else {
                throw HistoryFileError(line: number, reason: "expected the value of a \"cas\" to be [expected, new]")
            }
            let expected = try self.value(entry.value.elements[0], number)
            let new = try self.value(entry.value.elements[1], number)
            action = .compareAndSet(expected: expected, new: new, isDone: nil)
        }
        self.waiting[entry.process] = self.operations.count
        self.operations.append(
            HistoryOperation(client: entry.process, key: entry.key, action: action, invokedAt: Int64(number))
        )
    }

    private mutating func ended(_ entry: Entry, _ number: Int) throws(HistoryFileError) {
        guard let open = self.waiting.removeValue(forKey: entry.process), var operation = self.operations[open] else {
            throw HistoryFileError(
                line: number,
                reason: "process \(self.processes.texts[entry.process]) is answered without having asked"
            )
        }
        guard operation.key == entry.key, operation.action.name == entry.function else {
            throw HistoryFileError(
                line: number,
                reason: "process \(self.processes.texts[entry.process]) is answered a \(entry.function) of key "
                    + "\(self.keys.texts[entry.key]), and asked for a \(operation.action.name) of key "
                    + "\(self.keys.texts[operation.key]) in line \(operation.invokedAt)"
            )
        }
        switch (entry.type, operation.action) {
        case ("ok", .read):
            operation.action = .read(try self.value(entry.value, number))
            operation.returnedAt = Int64(number)
        case ("ok", .write): operation.returnedAt = Int64(number)
        case ("ok", .compareAndSet(let expected, let new, _)):
            operation.action = .compareAndSet(expected: expected, new: new, isDone: true)
            operation.returnedAt = Int64(number)
        case ("fail", _):
            self.operations[open] = nil
            return
        default: break
        }
        self.operations[open] = operation
    }

    private mutating func value(_ value: Value, _ number: Int) throws(HistoryFileError) -> UInt32 {
        UInt32(self.values.number(of: try self.text(of: value, number)))
    }
}

extension HistoryOperation.Action {
    /// As a history's `f` says it.
    var name: String {
        switch self {
        case .read: "read"
        case .write: "write"
        case .compareAndSet: "cas"
        }
    }
}
