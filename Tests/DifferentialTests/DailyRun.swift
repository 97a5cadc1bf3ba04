import Foundation

/// How much is generated and compared in each run of the tests; `make oracle` does more.
enum DailyRun {
    /// Programs: `WEIR_DIFFERENTIAL_PROGRAMS`, otherwise few enough for every day.
    static var programCount: UInt64 { Self.number("PROGRAMS") ?? 1_000 }

    /// Jobs: `WEIR_DIFFERENTIAL_MAPS`, otherwise few enough for every day.
    static var mapCount: UInt64 { Self.number("MAPS") ?? 250 }

    /// The first seed: `WEIR_DIFFERENTIAL_SEED`, otherwise 0.
    static var firstSeed: UInt64 { Self.number("SEED") ?? 0 }

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment["WEIR_DIFFERENTIAL_\(name)"].flatMap { UInt64($0) }
    }
}
