internal import ConnectorKit
internal import FluentSyntax

/// What `alert` writes, whichever stage it is called in.
enum AlertLine {
    /// Appends one JSON line: `time`, `job`, what `subject` appends as further fields, `arguments`.
    ///
    /// - Parameters:
    ///   - arguments: Those of the call.
    ///   - time: Milliseconds since 1970, as the line tells it.
    ///   - job: The name of the job.
    ///   - timestamp: The event time of the record for the sink.
    ///   - range: The call.
    ///   - block: Where the line goes; nothing is appended where anything can't be written.
    ///   - subject: Appends fields, each with the comma before it.
    /// - Throws: A value can't be written.
    static func append(
        _ arguments: [Value],
        time: Int64,
        job: String,
        timestamp: Int64,
        at range: SourceRange,
        to block: OutputBlock,
        subject: (inout ByteBuffer) throws(ValueWalkError) -> Void
    ) throws(EvaluationError) {
        var line = ByteBuffer()
        line.append("{\"time\":")
        NumberText.append(time, to: &line)
        line.append(",\"job\":")
        line.append(json: job)
        do {
            try subject(&line)
            line.append(",\"arguments\":[")
            for (index, argument) in arguments.enumerated() {
                if index > 0 { line.append(UInt8(ascii: ",")) }
                var json = ValueJSON()
                try json.append(argument, to: &line)
            }
        } catch {
            throw EvaluationError(error.code(operation: "alert", expected: "values that can be written"), at: range)
        }
        line.append("]}\n")
        let bytes = line.bytes
        unsafe block.append(
            key: nil,
            value: UnsafeRawBufferPointer(start: bytes.start, count: bytes.count),
            timestamp: timestamp
        )
    }
}
