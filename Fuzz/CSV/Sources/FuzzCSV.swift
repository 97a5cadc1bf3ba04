import Engine
import JobPlan

/// Reads whatever bytes libFuzzer comes up with as a CSV file: in one block, and in blocks whose size is the first byte.
///
/// None of it may trap, and both must find the same records.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCSV(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let bytes = unsafe bytes, count > 1 else { return 0 }
    let options = unsafe bytes[0]
    let text = unsafe Bytes(start: bytes + 1, count: count - 1)
    let dialect = CSVDialect(hasHeader: options & 0x80 != 0)
    let whole = records(of: text, dialect, cut: text.count)
    let pieces = records(of: text, dialect, cut: Int(options & 0x7F) + 1)
    precondition(whole == pieces, "what is found depends on where blocks are cut")
    return 0
}

/// Everything that a reader answers, as bytes.
private func records(of text: Bytes, _ dialect: CSVDialect, cut: Int) -> [[UInt8]] {
    var reader = CSVReader(dialect: dialect)
    var arena = Arena(limitBytes: 64 << 20)
    var found: [[UInt8]] = []
    reader.beginResource()
    do throws(CSVError) {
        for start in stride(from: 0, to: text.count, by: cut) {
            reader.begin(text.slice(start, min(start + cut, text.count)))
            while let answer = show(try reader.next(arena: &arena)) { found.append(answer) }
        }
        if let answer = show(try reader.finishResource(arena: &arena)) { found.append(answer) }
    } catch {
        found.append(Array(error.description.utf8))
    }
    return found
}

private func show(_ step: CSVStep) -> [UInt8]? {
    switch step {
    case .exhausted: return nil
    case .rejected(let error, let place): return Array("\(error) \(place.offset) ".utf8) + place.bytes.array
    case .record(let value, let place):
        var buffer = ByteBuffer()
        var text = ValueText()
        // A value of strings can always be shown.
        try? text.append(value, to: &buffer)
        return Array("\(place.offset) ".utf8) + buffer.bytes.array
    }
}
