internal import CKernels

/// Cuts a block into the pieces between separator bytes, a batch at a time.
///
/// Line ends are separators as well, so that a block of many lines is cut in one pass without finding its lines first.
@safe
struct TokenScanner: ~Copyable {
    /// What becomes of empty pieces.
    enum EmptyPieces: Hashable, Sendable {
        /// A regular expression that matches runs of separators: there are none but at the ends, where they are dropped.
        case dropped
        /// A separator string: every piece counts.
        case kept
        /// A regular expression of one separator: kept, but not as the first or last piece of a line.
        case keptInside
    }

    private let table: UnsafeMutablePointer<weir_byte_class>
    private let masks: UnsafeMutablePointer<UInt64>
    private let emptyPieces: EmptyPieces
    private let carriageReturnIsSeparator: Bool

    private var base: UnsafePointer<UInt8>
    private var count = 0
    private var position = 0
    private var pieceStart = 0
    private var firstMaskPosition = 0
    private var maskCount = 0
    private var maskIndex = 0
    private var pending: UInt64 = 0
    private var lineStart = 0
    private var stripsCarriageReturns = false
    private var isFinished = true

    /// Number of rows (lines) closed so far in this block.
    private(set) var row: UInt32 = 0

    private static let masksPerCall = 64

    init(separators: ByteClass, emptyPieces: EmptyPieces) {
        unsafe self.table = .allocate(capacity: 1)
        unsafe self.table.initialize(to: separators.inserting(UInt8(ascii: "\n")).table)
        unsafe self.masks = .allocate(capacity: Self.masksPerCall)
        unsafe self.masks.initialize(repeating: 0, count: Self.masksPerCall)
        self.emptyPieces = emptyPieces
        self.carriageReturnIsSeparator = separators.contains(UInt8(ascii: "\r"))
        unsafe self.base = UnsafePointer(bitPattern: 1).unsafelyUnwrapped
    }

    deinit {
        unsafe self.table.deallocate()
        unsafe self.masks.deallocate()
    }

    /// Begins a block of whole lines.
    ///
    /// At least 64 bytes behind `count` must be readable.
    mutating func begin(_ base: UnsafePointer<UInt8>, count: Int, hasCarriageReturns: Bool) {
        unsafe self.base = base
        self.count = count
        self.position = 0
        self.pieceStart = 0
        self.firstMaskPosition = 0
        self.maskCount = 0
        self.maskIndex = 0
        self.pending = 0
        self.lineStart = 0
        self.row = 0
        self.stripsCarriageReturns = hasCarriageReturns && !self.carriageReturnIsSeparator
        self.isFinished = count == 0
    }

    /// Replaces the column by the next pieces; `rows` gets the line of each piece.
    ///
    /// - Returns: False when the block has no more.
    mutating func fill(_ column: inout TextColumn, rows: UnsafeMutablePointer<UInt32>?) -> Bool {
        column.count = 0
        if self.isFinished { return false }
        if self.emptyPieces == .dropped, !self.stripsCarriageReturns, unsafe rows == nil {
            self.fillPlain(&column)
        } else {
            unsafe self.fillByLine(&column, rows: rows)
        }
        return true
    }

    /// The masks of the next run of blocks; false at the end.
    @inline(__always)
    private mutating func refill() -> Bool {
        let start = self.firstMaskPosition + self.maskCount * 64
        guard start < self.count else { return false }
        let blocks = min((self.count - start + 63) / 64, Self.masksPerCall)
        unsafe weir_class_masks(self.base + start, blocks, self.table, self.masks)
        self.firstMaskPosition = start
        self.maskCount = blocks
        self.maskIndex = 0
        let tail = self.count - (start + (blocks - 1) * 64)
        if tail < 64 { unsafe self.masks[blocks - 1] &= (1 << UInt64(tail)) - 1 }
        return true
    }

    private mutating func fillPlain(_ column: inout TextColumn) {
        let starts = unsafe column.starts
        let lengths = unsafe column.lengths
        let limit = column.capacity - 65
        var filled = 0
        var start = self.pieceStart
        while filled < limit {
            if self.maskIndex == self.maskCount, !self.refill() {
                if start < self.count {
                    unsafe starts[filled] = UInt32(truncatingIfNeeded: start)
                    unsafe lengths[filled] = UInt32(truncatingIfNeeded: self.count - start)
                    filled += 1
                }
                self.isFinished = true
                break
            }
            var mask = unsafe self.masks[self.maskIndex]
            let position = self.firstMaskPosition &+ self.maskIndex &* 64
            self.maskIndex &+= 1
            while mask != 0 {
                let end = position &+ mask.trailingZeroBitCount
                mask &= mask &- 1
                unsafe starts[filled] = UInt32(truncatingIfNeeded: start)
                unsafe lengths[filled] = UInt32(truncatingIfNeeded: end &- start)
                filled &+= end == start ? 0 : 1
                start = end &+ 1
            }
        }
        self.pieceStart = start
        column.count = filled
    }

    private mutating func fillByLine(_ column: inout TextColumn, rows: UnsafeMutablePointer<UInt32>?) {
        let limit = column.capacity - 65
        while column.count < limit {
            if self.maskIndex == self.maskCount, !self.refill() {
                // A block that ends inside a line ends its last piece; one that ends behind a newline has none open.
                if self.lineStart < self.count {
                    unsafe self.close(&column, rows: rows, at: self.count, endsLine: true)
                }
                self.isFinished = true
                return
            }
            var mask = unsafe self.masks[self.maskIndex]
            let position = self.firstMaskPosition &+ self.maskIndex &* 64
            self.maskIndex &+= 1
            while mask != 0 {
                let end = position &+ mask.trailingZeroBitCount
                mask &= mask &- 1
                let endsLine = unsafe self.base[end] == UInt8(ascii: "\n")
                unsafe self.close(&column, rows: rows, at: end, endsLine: endsLine)
            }
        }
    }

    @inline(__always)
    private mutating func close(
        _ column: inout TextColumn,
        rows: UnsafeMutablePointer<UInt32>?,
        at end: Int,
        endsLine: Bool
    ) {
        let start = self.pieceStart
        var length = end &- start
        // A carriage return belongs to the line's end only where a newline follows it.
        if endsLine, self.stripsCarriageReturns, length > 0, end < self.count,
            unsafe self.base[end &- 1] == UInt8(ascii: "\r")
        {
            length &-= 1
        }
        let isKept =
            switch self.emptyPieces {
            case .dropped: length > 0
            case .kept: true
            case .keptInside: length > 0 || !(endsLine || start == self.lineStart)
            }
        unsafe column.starts[column.count] = UInt32(truncatingIfNeeded: start)
        unsafe column.lengths[column.count] = UInt32(truncatingIfNeeded: length)
        if let rows = unsafe rows { unsafe rows[column.count] = self.row }
        column.count &+= isKept ? 1 : 0
        self.pieceStart = end &+ 1
        if endsLine {
            self.row &+= 1
            self.lineStart = end &+ 1
        }
    }
}
