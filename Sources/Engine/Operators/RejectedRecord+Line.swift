internal import ConnectorKit

extension RejectedRecord {
    /// The line of a dead-letter sink: `file`, `offset`, `error`, and the record as text in `record`, or as an array of
    /// numbers in `bytes` where it isn't UTF-8.
    func append(to buffer: inout ByteBuffer) {
        buffer.append("{\"file\":")
        buffer.append(json: self.place.resource)
        buffer.append(",\"offset\":")
        NumberText.append(self.place.offset, to: &buffer)
        if let text = String(validating: self.bytes, as: UTF8.self) {
            buffer.append(",\"record\":")
            buffer.append(json: text)
        } else {
            buffer.append(",\"bytes\":[")
            for (index, byte) in self.bytes.enumerated() {
                if index > 0 { buffer.append(UInt8(ascii: ",")) }
                NumberText.append(Int64(byte), to: &buffer)
            }
            buffer.append("]")
        }
        buffer.append(",\"error\":")
        buffer.append(json: self.reason)
        buffer.append("}\n")
    }
}

extension OutputBlock {
    /// Adds the line of a dead-letter sink.
    func append(_ record: RejectedRecord) {
        var line = ByteBuffer()
        record.append(to: &line)
        let bytes = line.bytes
        unsafe self.append(
            key: nil,
            value: UnsafeRawBufferPointer(start: bytes.start, count: bytes.count),
            timestamp: nil
        )
    }
}
