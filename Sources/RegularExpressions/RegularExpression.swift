internal import CPcre2

/// A compiled pattern: immutable, shared by any number of threads, each with a ``RegularExpressionMatcher`` of its own.
///
/// Patterns are PCRE2's in UTF mode over bytes that need not be UTF-8: a match never contains an ill-formed byte.
/// `\s`, `\d` and `\w` are ASCII.
@safe
package final class RegularExpression: Sendable {
    /// Number of parenthesised groups, not counting the whole match.
    package let groupCount: Int

    // SAFETY: PCRE2 never writes to compiled code after compiling it, and only `deinit` frees it.
    private nonisolated(unsafe) let code: OpaquePointer

    /// Compiles a pattern.
    ///
    /// - Throws: What is wrong with the pattern, and at which byte.
    package init(pattern: [UInt8]) throws(RegularExpressionError) {
        let accepted = unsafe try Self.compiled(pattern)
        var compiled = unsafe accepted
        if let other = NegatedEscapes.rewritten(pattern), let better = unsafe try? Self.compiled(other) {
            unsafe pcre2_code_free_8(accepted)
            unsafe compiled = better
        }
        // Where there is no JIT for this machine the interpreter does the same, slower.
        _ = unsafe pcre2_jit_compile_8(compiled, PCRE2_JIT_COMPLETE)
        var groups: UInt32 = 0
        _ = unsafe pcre2_pattern_info_8(compiled, UInt32(PCRE2_INFO_CAPTURECOUNT), &groups)
        unsafe self.code = compiled
        self.groupCount = Int(groups)
    }

    deinit {
        unsafe pcre2_code_free_8(self.code)
    }

    func withCode<Result: ~Copyable>(_ body: (OpaquePointer) -> Result) -> Result {
        unsafe body(self.code)
    }

    private static func compiled(_ pattern: [UInt8]) throws(RegularExpressionError) -> OpaquePointer {
        var code: CInt = 0
        var offset = 0
        let options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF
        let compiled = unsafe pattern.withUnsafeBufferPointer { bytes in
            unsafe pcre2_compile_8(bytes.baseAddress, bytes.count, options, &code, &offset, nil)
        }
        guard let compiled = unsafe compiled else {
            throw RegularExpressionError(message: Self.message(code), offset: offset)
        }
        return unsafe compiled
    }

    private static func message(_ code: CInt) -> String {
        let capacity = 256
        return unsafe String(unsafeUninitializedCapacity: capacity) { buffer in
            let length = unsafe pcre2_get_error_message_8(code, buffer.baseAddress, buffer.count)
            return length > 0 ? Int(length) : 0
        }
    }
}

/// A pattern that isn't one.
package struct RegularExpressionError: Error, Hashable, Sendable {
    /// PCRE2's words.
    package let message: String
    /// The byte of the pattern at which compiling stopped.
    package let offset: Int

    package init(message: String, offset: Int) {
        self.message = message
        self.offset = offset
    }
}
