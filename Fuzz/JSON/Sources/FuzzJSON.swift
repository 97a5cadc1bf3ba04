import Engine

/// Reads whatever bytes libFuzzer comes up with as one JSON record, whole and field by field.
///
/// None of it may trap, and both must accept the same texts and find the same fields.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let bytes = unsafe bytes else { return 0 }
    let record = unsafe Bytes(start: bytes, count: count)
    var readerArena = Arena(limitBytes: 64 << 20)
    var arena = Arena(limitBytes: 64 << 20)
    let expected = Result { () throws(JSONError) in try JSONReader.read(record, in: &readerArena) }
    let values = UnsafeMutablePointer<Value>.allocate(capacity: 2)
    defer { unsafe values.deallocate() }
    var extractor = JSONFieldExtractor(fields: ["a", "user"])
    // The second time the record's own keys are predicted.
    for _ in 0..<2 {
        let actual = Result { () throws(JSONError) in
            try unsafe extractor.extract(record, into: values, arena: &arena)
        }
        switch (expected, actual) {
        case (.failure(let expected), .failure(let actual)):
            precondition(expected == actual, "extractor and reader refuse for different reasons")
        case (.success(let value), .success(.fields)):
            precondition(value.has(.map), "only an object has fields")
            unsafe check(values[0], "a", of: value)
            unsafe check(values[1], "user", of: value)
        case (.success(let value), .success(.value)):
            precondition(!value.has(.map), "an object has fields")
        case (.success, .failure), (.failure, .success):
            preconditionFailure("extractor and reader disagree on what JSON is")
        }
    }
    return 0
}

private func check(_ value: Value, _ name: String, of record: Value) {
    var expected = JSONFieldExtractor.absent
    for index in stride(from: 0, to: record.pairs.count, by: 2) where record.pairs[index].text.string == name {
        expected = record.pairs[index + 1]
    }
    precondition(JSONFieldExtractor.isAbsent(value) == JSONFieldExtractor.isAbsent(expected), "a field came or went")
    precondition(text(of: value) == text(of: expected), "extractor and reader found different values")
}

private func text(of value: Value) -> [UInt8] {
    var buffer = ByteBuffer()
    var text = ValueText()
    // A value of JSON can always be shown.
    try? text.append(value, to: &buffer)
    return buffer.bytes.array
}
