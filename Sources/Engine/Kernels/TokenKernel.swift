/// A map that emits every piece of its line with one integer, over whole blocks: the shortest of kernel plans.
@safe
struct TokenKernel: ~Copyable {
    private var scanner: TokenScanner
    private var tokens = TextColumn(capacity: Self.batchCount)
    private let delta: Int64

    /// Slices that fit the first-level cache together with the table slots they touch.
    private static let batchCount = 2_048

    /// Makes a kernel; the only column of the aggregation takes `delta` for each piece.
    init(shape: SplitShape, delta: Int64) {
        self.scanner = TokenScanner(separators: shape.separators, emptyPieces: shape.emptyPieces)
        self.delta = delta
    }

    mutating func run(
        _ base: UnsafePointer<UInt8>,
        count: Int,
        hasCarriageReturns: Bool,
        into output: inout MapOutput
    ) {
        unsafe self.scanner.begin(base, count: count, hasCarriageReturns: hasCarriageReturns)
        while unsafe self.scanner.fill(&self.tokens, rows: nil) {
            let slices = unsafe TextSlices(
                base: base,
                starts: self.tokens.starts,
                lengths: self.tokens.lengths,
                count: self.tokens.count
            )
            output.add(slices, delta: self.delta)
        }
    }
}
