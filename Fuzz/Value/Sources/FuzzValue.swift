import Engine

/// Reads whatever bytes libFuzzer comes up with as an encoded value, as two keys to compare, and as an aggregate state.
///
/// None of it may trap or take memory out of proportion. What is accepted must be written again and then read as the
/// same; a state must give results and merge.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzValue(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let bytes = unsafe bytes, count > 0 else { return 0 }
    let input = unsafe Bytes(start: bytes, count: count)
    readValue(input)
    readState(input)
    let middle = count / 2
    compareKeys(input.slice(0, middle), input.slice(middle, count))
    return 0
}

/// Compares two keys: what isn't an encoding is ordered somehow.
private func compareKeys(_ left: Bytes, _ right: Bytes) {
    let order = ValueCodec.compareEncodedKeys(left, right)
    let reversed = ValueCodec.compareEncodedKeys(right, left)
    var arena = Arena(limitBytes: 64 << 20)
    for key in [left, right] {
        guard (try? ValueCodec.decode(key, in: &arena, text: .borrowed)) != nil else { return }
    }
    precondition(order.signum() == -reversed.signum(), "the order of keys depends on which is asked first")
}

private func readValue(_ bytes: Bytes) {
    var arena = Arena(limitBytes: 64 << 20)
    guard let value = try? ValueCodec.decode(bytes, in: &arena, text: .borrowed) else {
        precondition(arena.usedBytes <= 32 * bytes.count + 1_024, "refused bytes took memory out of proportion")
        return
    }
    var written = ByteBuffer()
    do throws(ValueWalkError) {
        try ValueCodec.encode(value, into: &written)
    } catch {
        preconditionFailure("what was decoded can't be encoded")
    }
    precondition(Bytes.areEqual(written.bytes, bytes), "an encoding has two forms")
}

private func readState(_ bytes: Bytes) {
    var arena = Arena(limitBytes: 64 << 20)
    guard var state = try? AggregateState(decoding: bytes, in: &arena) else { return }
    _ = (state.sum(), state.mean(), state.minimumValue(), state.maximumValue())
    var written = ByteBuffer()
    state.encode(into: &written)
    guard let again = try? AggregateState(decoding: written.bytes, in: &arena) else {
        preconditionFailure("a state that was written can't be read")
    }
    state.merge(again)
    _ = (state.sum(), state.mean(), state.minimumValue(), state.maximumValue())
}
