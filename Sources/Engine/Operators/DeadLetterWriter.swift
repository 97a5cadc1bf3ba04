internal import ConnectorKit
internal import FluentSyntax

/// Writes the keys whose reduce failed to a part of the dead-letter sink, which is opened with the first of them.
final class DeadLetterWriter {
    private let sink: any Sink
    private let partition: Int
    private let attempt: Int
    private let job: String

    /// The program that the job's functions come from, to say where one failed.
    private let source: SourceFile?
    private var writer: (any SinkWriter)?
    private(set) var parts: [SinkPart] = []

    init(sink: any Sink, partition: Int, attempt: Int, job: String, source: SourceFile?) {
        self.sink = sink
        self.partition = partition
        self.attempt = attempt
        self.job = job
        self.source = source
    }

    /// Writes a line: `job`, `key`, `values` (how many there were, where that is known), `error`, and `at`, the place in
    /// the program.
    func write(key: Value, valueCount: Int64?, _ error: EvaluationError) throws(EngineError) {
        var line = ByteBuffer()
        line.append("{\"job\":")
        line.append(json: self.job)
        line.append(",\"key\":")
        var json = ValueJSON()
        do {
            try json.append(key, to: &line)
        } catch {
            throw .corrupt("can't write a key as a dead letter: \(error)")
        }
        if let valueCount {
            line.append(",\"values\":")
            NumberText.append(valueCount, to: &line)
        }
        line.append(",\"error\":")
        line.append(json: error.code.message(evaluating: "one key"))
        if let source = self.source {
            let place = source.location(of: error.range.start)
            line.append(",\"at\":")
            line.append(json: "\(source.name):\(place.line):\(place.column)")
        }
        line.append("}\n")
        let bytes = line.bytes
        do {
            let writer = try self.openWriter()
            unsafe try writer.write(UnsafeRawBufferPointer(start: bytes.start, count: bytes.count))
        } catch {
            throw .connector(error)
        }
    }

    private func openWriter() throws(ConnectorError) -> any SinkWriter {
        if let writer = self.writer { return writer }
        let writer = try self.sink.makeWriter(partition: self.partition, attempt: self.attempt, contentType: .json)
        self.writer = writer
        return writer
    }

    func finish() throws(EngineError) {
        guard let writer = self.writer else { return }
        do {
            self.parts.append(try writer.finish())
        } catch {
            throw .connector(error)
        }
    }

    /// Gives up: what was written is removed.
    func discard() { self.writer?.discard() }
}

extension ByteBuffer {
    /// Appends text as a JSON string.
    mutating func append(json text: String) {
        var text = text
        text.withUTF8 { bytes in
            guard let start = bytes.baseAddress else { return self.append("\"\"") }
            unsafe ValueJSON.appendString(Bytes(start: start, count: bytes.count), to: &self)
        }
    }
}
