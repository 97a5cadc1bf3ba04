/// `(for (word (split line SEPARATOR)) (emit word CONSTANT))` over whole blocks.
@safe
struct TokenKernel: ~Copyable {
    private var scanner: TokenScanner
    private var tokens: TextColumn
    private let delta: Int64

    /// Slices that fit the first-level cache together with the table slots they touch.
    private static let batchCount = 2_048

    init(shape: SplitShape, delta: Int64) {
        self.scanner = TokenScanner(separators: shape.separators, emptyPieces: shape.emptyPieces)
        self.tokens = TextColumn(capacity: Self.batchCount)
        self.delta = delta
    }

    mutating func run(_ base: UnsafePointer<UInt8>, count: Int, into output: inout MapOutput) {
        unsafe self.scanner.begin(base, count: count, hasCarriageReturns: true)
        while unsafe self.scanner.fill(&self.tokens, rows: nil) {
            unsafe output.add(self.tokens, base: base, delta: self.delta)
        }
    }
}
