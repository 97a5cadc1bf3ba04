internal import CPcre2

/// What one user needs for matching: offsets of the last match, the JIT's stack, and the limits.
///
/// Not shared between threads.
@safe
package struct RegularExpressionMatcher: ~Copyable {
    package enum Outcome: Hashable, Sendable {
        case matched
        case unmatched
        /// The pattern backtracks more than ``matchLimit`` allows, or needs too much memory.
        case tooMuchWork
    }

    /// Backtracking steps of one match; the interpreter and the JIT count them differently, both within a second.
    package static let matchLimit: UInt32 = 1_000_000
    package static let heapLimitKibibytes: UInt32 = 20_000
    private static let jitStackBytesInitial = 32 << 10
    private static let jitStackBytesMaximum = 1 << 20
    /// Groups beyond these are matched but not reported.
    package static let reportedGroupLimit = 128

    private let match: OpaquePointer
    private let context: OpaquePointer
    private let stack: OpaquePointer?
    private var reportedCount = 0

    package init() {
        let match = unsafe pcre2_match_data_create_8(UInt32(Self.reportedGroupLimit + 1), nil)
        let context = unsafe pcre2_match_context_create_8(nil)
        guard let match = unsafe match, let context = unsafe context else {
            preconditionFailure("out of memory for a regular expression's match data")
        }
        _ = unsafe pcre2_set_match_limit_8(context, Self.matchLimit)
        _ = unsafe pcre2_set_heap_limit_8(context, Self.heapLimitKibibytes)
        let stack = unsafe pcre2_jit_stack_create_8(Self.jitStackBytesInitial, Self.jitStackBytesMaximum, nil)
        unsafe pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack))
        unsafe self.match = match
        unsafe self.context = context
        unsafe self.stack = stack
    }

    deinit {
        unsafe pcre2_match_data_free_8(self.match)
        unsafe pcre2_match_context_free_8(self.context)
        unsafe pcre2_jit_stack_free_8(self.stack)
    }

    /// Finds the first match that begins at `offset` or later; what lies before still counts for `^` and `\b`.
    package mutating func findNext(
        _ expression: RegularExpression,
        in text: UnsafeBufferPointer<UInt8>,
        from offset: Int
    ) -> Outcome {
        let status = unsafe expression.withCode { code in
            unsafe pcre2_match_8(code, text.baseAddress, text.count, offset, 0, self.match, self.context)
        }
        if status >= 0 {
            self.reportedCount = status == 0 ? Self.reportedGroupLimit + 1 : Int(status)
            return .matched
        }
        self.reportedCount = 0
        return status == PCRE2_ERROR_NOMATCH ? .unmatched : .tooMuchWork
    }

    /// The bytes of a group of the last match, 0 being the whole of it; nil when the group took no part.
    package func group(_ index: Int) -> Range<Int>? {
        guard index >= 0, index < self.reportedCount else { return nil }
        let offsets = unsafe pcre2_get_ovector_pointer_8(self.match)
        guard let offsets = unsafe offsets else { return nil }
        let start = unsafe offsets[2 * index]
        let end = unsafe offsets[2 * index + 1]
        // `\K` in a look-ahead can put the end before the start.
        guard start != Int(bitPattern: UInt.max), start <= end else { return nil }
        return start..<end
    }
}
