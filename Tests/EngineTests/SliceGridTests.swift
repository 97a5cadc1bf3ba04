import CoreTypes
import Testing

@testable import Engine

@Suite struct SliceGridTests {
    @Test(arguments: 0..<UInt64(300))
    func `slices lie between the starts and ends of windows`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let (grid, model) = Self.makeGrid(&random)

        for time in -40..<Int64(40) {
            let start = grid.sliceStart(of: time)
            let end = grid.sliceEnd(of: time)

            #expect(start == model.boundary(atOrBefore: time), "\(grid) at \(time), seed \(seed)")
            #expect(end == model.boundary(after: time), "\(grid) at \(time), seed \(seed)")
        }
    }

    @Test(arguments: 0..<UInt64(300))
    func `a window is made of whole slices`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let (grid, model) = Self.makeGrid(&random)

        for start in model.windowStarts {
            var reached = start
            while reached < start + grid.size {
                #expect(grid.sliceStart(of: reached) == reached, "\(grid), window \(start), seed \(seed)")
                reached = grid.sliceEnd(of: reached)
            }

            #expect(reached == start + grid.size, "\(grid), window \(start), seed \(seed)")
        }
    }

    @Test(arguments: 0..<UInt64(300))
    func `the windows of a time are those that begin at or before it and end behind it`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let (grid, model) = Self.makeGrid(&random)

        for time in -40..<Int64(40) {
            let ends = model.windowStarts.filter { $0 <= time && time < $0 + grid.size }.map { $0 + grid.size }
            let endsBehind = model.windowStarts.map { $0 + grid.size }.filter { $0 > time }
            let lastBegun = model.windowStarts.last { $0 <= time }.map { $0 + grid.size }

            #expect(grid.contains(time) == !ends.isEmpty, "\(grid) at \(time), seed \(seed)")
            #expect(grid.firstWindowEnd(holding: time) == endsBehind.min(), "\(grid) at \(time), seed \(seed)")
            #expect(grid.windowEnd(after: time) == endsBehind.min(), "\(grid) at \(time), seed \(seed)")
            #expect(grid.lastWindowEnd(holding: time) == lastBegun, "\(grid) at \(time), seed \(seed)")
        }
    }

    @Test func `tumbling windows are slices themselves, before 1970 too`() {
        let grid = SliceGrid(size: 10, slide: 10, offset: 3)

        #expect(grid.sliceStart(of: -1) == -7)
        #expect(grid.sliceEnd(of: -1) == 3)
        #expect(grid.sliceStart(of: -7) == -7)
        #expect(grid.firstWindowEnd(holding: -8) == -7)
    }

    @Test func `between windows that don't touch lies a slice of no window`() {
        let grid = SliceGrid(size: 3, slide: 10)

        #expect(grid.contains(2))
        #expect(!grid.contains(3))
        #expect(grid.sliceStart(of: 5) == 3)
        #expect(grid.sliceEnd(of: 5) == 10)
        #expect(grid.firstWindowEnd(holding: 5) == 13)
    }

    /// Every corner of what is allowed: nothing traps, and the answers fit together.
    @Test func `the largest times and sizes can be calculated with`() {
        let limit = SliceGrid.timeLimit
        let lengths: [Int64] = [1, 2, 3, limit / 2, limit - 1, limit]
        let times = [-limit, -limit + 1, -1, 0, 1, limit - 1, limit]

        for size in lengths {
            for slide in lengths {
                for offset in Set([0, slide / 2, slide - 1]) {
                    let grid = SliceGrid(size: size, slide: slide, offset: offset)
                    for time in times { Self.checkOrder(grid, time) }
                }
            }
        }
    }

    private static func checkOrder(_ grid: SliceGrid, _ time: Int64) {
        let start = grid.sliceStart(of: time)
        let end = grid.sliceEnd(of: time)
        #expect(start <= time && time < end, "\(grid) at \(time)")
        #expect(grid.sliceStart(of: start) == start && grid.sliceEnd(of: start) == end, "\(grid) at \(time)")
        #expect(grid.firstWindowEnd(holding: time) > time, "\(grid) at \(time)")
        #expect(grid.contains(time) == (grid.lastWindowEnd(holding: time) > time), "\(grid) at \(time)")
    }
}

/// The windows of a grid around time 0, one by one.
private struct WindowList {
    let windowStarts: [Int64]
    private let boundaries: [Int64]

    init(_ grid: SliceGrid) {
        self.windowStarts = (-100...100).map { grid.offset + $0 * grid.slide }
        self.boundaries = (self.windowStarts + self.windowStarts.map { $0 + grid.size }).sorted()
    }

    func boundary(atOrBefore time: Int64) -> Int64? { self.boundaries.last { $0 <= time } }

    func boundary(after time: Int64) -> Int64? { self.boundaries.first { $0 > time } }
}

extension SliceGridTests {
    /// Sizes below, at and above the slide.
    fileprivate static func makeGrid(_ random: inout SplitMix64) -> (SliceGrid, WindowList) {
        let slide = random.next(in: 1..<14)
        let grid = SliceGrid(
            size: Int64(random.chance(percent: 30) ? slide : random.next(in: 1..<30)),
            slide: Int64(slide),
            offset: Int64(random.next(in: 0..<slide))
        )
        return (grid, WindowList(grid))
    }
}
