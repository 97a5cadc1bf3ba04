import FluentSyntax

/// Reads, checks and formats whatever bytes libFuzzer comes up with.
///
/// None of it may trap. What the formatter writes must read, and formatting it again must change nothing.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzProgram(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    let source = SourceFile(name: "<input>", bytes: input)
    _ = Frontend.check(source)
    guard case .formatted(let text) = Formatter.format(source) else { return 0 }
    guard case .formatted(let again) = Formatter.format(SourceFile(name: "<formatted>", text: text)) else {
        preconditionFailure("what the formatter wrote doesn't read")
    }
    precondition(text == again, "formatting twice isn't formatting once")
    return 0
}
