internal import ConnectorKit

/// What a stage behind the first left out: as the line of a dead-letter sink, a JSON object.
///
/// | field                      | of                                                               |
/// | -------------------------- | ---------------------------------------------------------------- |
/// | `key`                      | a stage or window of keys                                        |
/// | `time`                     | a record or timer: its event time, milliseconds since 1970       |
/// | `window-start`, `window-end` | a window: its bounds, milliseconds since 1970                  |
/// | `record`                   | a record: its JSON text, as a string                             |
/// | `error`                    | all: why                                                         |
struct StageDeadLetter {
    var key: Value?
    var time: Int64?
    var window: FiredWindow?

    /// Encoded values: the record, or those that were joined.
    var records: [Bytes] = []
    let reason: String

    private static let arenaBytes = 64 << 20

    func append(to block: OutputBlock) {
        var line = ByteBuffer()
        line.append("{")
        if let key = self.key {
            line.append("\"key\":")
            line.append(json: key)
            line.append(",")
        }
        for (name, time) in [
            ("time", self.time), ("window-start", self.window?.start), ("window-end", self.window?.end),
        ] {
            guard let time else { continue }
            line.append(json: name)
            line.append(":")
            NumberText.append(time, to: &line)
            line.append(",")
        }
        if !self.records.isEmpty {
            line.append("\"record\":")
            line.append(json: self.text)
            line.append(",")
        }
        line.append("\"error\":")
        line.append(json: self.reason)
        line.append("}\n")
        let bytes = line.bytes
        unsafe block.append(
            key: nil,
            value: UnsafeRawBufferPointer(start: bytes.start, count: bytes.count),
            timestamp: self.time
        )
    }

    /// The JSON of the record, or of the list of several.
    private var text: String {
        var arena = Arena(limitBytes: Self.arenaBytes)
        var text = ByteBuffer()
        if self.records.count > 1 { text.append("[") }
        for (index, record) in self.records.enumerated() {
            if index > 0 { text.append(",") }
            arena.reset()
            text.append(json: (try? ValueCodec.decode(record, in: &arena, text: .borrowed)) ?? .nil)
        }
        if self.records.count > 1 { text.append("]") }
        return text.bytes.string
    }
}

extension ByteBuffer {
    /// Appends a value as JSON; null where it can't be written.
    fileprivate mutating func append(json value: Value) {
        let start = self.count
        var json = ValueJSON()
        do {
            try json.append(value, to: &self)
        } catch {
            self.truncate(to: start)
            self.append("null")
        }
    }
}
