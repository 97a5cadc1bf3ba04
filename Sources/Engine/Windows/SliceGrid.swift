/// Where windows of one size and slide begin and end, and which slices they are made of; all times in milliseconds.
///
/// A window begins at every `offset + k × slide` and holds the times from there up to, not including, `size` later. Every
/// beginning and every end of a window is the boundary of two slices, so that a window is made of whole slices and a record
/// is aggregated once, however many windows it belongs to.
///
/// Source: Krishnamurthy et al., "On-the-fly sharing for streamed aggregation", 2006 (paired windows).
package struct SliceGrid: Hashable, Sendable {
    package let size: Int64
    package let slide: Int64
    package let offset: Int64

    /// Times beyond this, in either direction, are refused as event times: arithmetic on those within can't overflow.
    ///
    /// Source: ECMA-262, time values; 273,790 years.
    package static let timeLimit: Int64 = 8_640_000_000_000_000

    /// - Precondition: `size` and `slide` are 1…``timeLimit``, `offset` 0…`slide`.
    package init(size: Int64, slide: Int64, offset: Int64 = 0) {
        precondition((1...Self.timeLimit).contains(size) && (1...Self.timeLimit).contains(slide), "windows have a size")
        precondition(offset >= 0 && offset < slide, "an offset is less than a slide")
        self.size = size
        self.slide = slide
        self.offset = offset
    }

    /// The start of the newest window that begins at or before a time.
    @inline(__always)
    private func lastStart(_ time: Int64) -> Int64 {
        let distance = time - self.offset
        let rest = distance % self.slide
        return time - (rest < 0 ? rest + self.slide : rest)
    }

    /// Where the slice begins that a time lies in.
    @inline(__always)
    package func sliceStart(of time: Int64) -> Int64 {
        max(self.lastStart(time), self.lastStart(time - self.size) + self.size)
    }

    /// Where the slice ends that a time lies in.
    package func sliceEnd(of time: Int64) -> Int64 {
        min(self.lastStart(time), self.lastStart(time - self.size) + self.size) + self.slide
    }

    /// Whether a time lies in any window: where the slide is larger than the size there are gaps.
    @inline(__always)
    package func contains(_ time: Int64) -> Bool {
        time - self.lastStart(time) < self.size
    }

    /// The end of the first window that holds a time; of the next one behind it where none does.
    @inline(__always)
    package func firstWindowEnd(holding time: Int64) -> Int64 {
        self.lastStart(time - self.size) + self.slide + self.size
    }

    /// The end of the last window that begins at or before a time.
    package func lastWindowEnd(holding time: Int64) -> Int64 {
        self.lastStart(time) + self.size
    }

    /// The first window's end that is later than a time.
    package func windowEnd(after time: Int64) -> Int64 {
        self.firstWindowEnd(holding: time)
    }
}

extension SliceGrid {
    /// The slice that a time lies in, and what holds of all times in it.
    func span(of time: Int64) -> SliceSpan {
        SliceSpan(
            start: self.sliceStart(of: time),
            end: self.sliceEnd(of: time),
            isInWindow: self.contains(time),
            firstWindowEnd: self.firstWindowEnd(holding: time)
        )
    }
}

/// A slice of ``SliceGrid``: consecutive records mostly lie in the same, and need no division then.
struct SliceSpan {
    let start: Int64
    let end: Int64
    let isInWindow: Bool
    let firstWindowEnd: Int64

    /// Holds no time; what isn't cut into slices is in its window.
    static let none = SliceSpan(start: 0, end: 0, isInWindow: true, firstWindowEnd: 0)

    @inline(__always)
    func contains(_ time: Int64) -> Bool { time >= self.start && time < self.end }
}
