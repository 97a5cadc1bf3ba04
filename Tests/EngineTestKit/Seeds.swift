import Foundation

/// The seeds of randomised tests.
package enum Seeds {
    /// How many times as many as on other days: `WEIR_TEST_DEPTH`.
    private static let depth = ProcessInfo.processInfo.environment["WEIR_TEST_DEPTH"].flatMap { UInt64($0) } ?? 1

    /// The first ones: few enough for every day, unless more were asked for.
    package static func first(_ count: UInt64) -> Range<UInt64> { 0..<count * max(1, min(self.depth, 10_000)) }
}
