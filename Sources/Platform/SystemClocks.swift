internal import Environment
private import Glibc

/// The operating system's monotonic clock.
package struct SystemMonotonicClock: MonotonicClock {
    package init() {}

    package var now: Duration {
        let time = readClock(CLOCK_MONOTONIC)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

/// The operating system's time of day.
package struct SystemWallClock: WallClock {
    package init() {}

    package var millisecondsSince1970: Int64 {
        let time = readClock(CLOCK_REALTIME)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// The operating system's random numbers.
package struct SystemEntropy: Entropy {
    package init() {}

    package func next() -> UInt64 {
        var system = SystemRandomNumberGenerator()
        return system.next()
    }
}

private func readClock(_ clock: clockid_t) -> timespec {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return time
}
