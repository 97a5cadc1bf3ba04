internal import FluentSyntax
internal import JobPlan

/// A map that emits every piece of its line with one integer: what a ``TokenKernel`` can run.
struct TokenKernelShape: Hashable {
    let split: SplitShape
    let value: Int64

    /// - Returns: Nil where the map does anything else.
    init?(_ map: MapFunction, lines: LineCutting) {
        guard case .elided(let elided) = lines, let split = SplitShape(elided.separator),
            case .forEach(_, _, let body, _) = map.whole.closure.lambda.body.kind,
            case .builtin(.emit, let arguments) = body.kind,
            case .variable(elided.element) = arguments[0].kind,
            case .constant(.integer(let value)) = arguments[1].kind
        else { return nil }
        self.split = split
        self.value = value
    }
}

/// `(for (word (split line SEPARATOR)) (emit word CONSTANT))` over whole blocks, aggregated in one column.
@safe
struct TokenKernel: ~Copyable {
    private var scanner: TokenScanner
    private var tokens = TextColumn(capacity: Self.batchCount)
    private let delta: Int64

    /// Slices that fit the first-level cache together with the table slots they touch.
    private static let batchCount = 2_048

    /// - Returns: Nil where the pairs aren't aggregated in one column of counts or sums.
    init?(_ shape: TokenKernelShape, columns: [IntegerColumn]?) {
        guard let columns, columns.count == 1 else { return nil }
        switch columns[0] {
        case .count: self.delta = 1
        case .sum: self.delta = shape.value
        case .minimum, .maximum: return nil
        }
        self.scanner = TokenScanner(separators: shape.split.separators, emptyPieces: shape.split.emptyPieces)
    }

    mutating func run(
        _ base: UnsafePointer<UInt8>,
        count: Int,
        hasCarriageReturns: Bool,
        into output: inout MapOutput
    ) {
        unsafe self.scanner.begin(base, count: count, hasCarriageReturns: hasCarriageReturns)
        while unsafe self.scanner.fill(&self.tokens, rows: nil) {
            unsafe output.add(self.tokens, base: base, delta: self.delta)
        }
    }
}
