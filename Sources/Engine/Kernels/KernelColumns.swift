internal import CKernels

/// Slices for each row of a batch: of the block, of a copy of it, or of text built for the batch.
@safe
struct TextReference {
    let base: UnsafePointer<UInt8>
    let starts: UnsafeMutablePointer<UInt32>
    let lengths: UnsafeMutablePointer<UInt32>
    /// Whether the slices lie in the block, or in a copy of it that has ASCII where the block has.
    let isInBlock: Bool

    /// The length of all selected slices, where it is known to be the same.
    var commonLength: Int? = nil

    /// The texts as keys, where that is what the slices lie in: a short key begins with its text.
    var keys: UnsafeMutablePointer<KeyWords>? = nil

    @inline(__always)
    func slice(_ row: Int) -> Bytes {
        unsafe Bytes(start: self.base + Int(self.starts[row]), count: Int(self.lengths[row]))
    }
}

extension TextReference {
    /// The words of a key that is short; nil for a long one.
    ///
    /// 16 bytes from each slice's beginning can be read.
    @inline(__always)
    func shortKey(_ row: Int) -> KeyWords? {
        if let keys = unsafe self.keys { return unsafe keys[row] }
        let count = unsafe Int(self.lengths[row])
        guard count <= KeyWords.inlineLimit else { return nil }
        return unsafe KeyWords(short: self.base + Int(self.starts[row]), count: count, kind: KeyKind.shortText)
    }
}

/// A 64-bit integer for each row of a batch.
@safe
struct IntegerReference {
    let values: UnsafeMutablePointer<Int64>
}

/// The rows of a batch that are still wanted, in ascending order.
@safe
struct Selection {
    let rows: UnsafeMutablePointer<UInt32>
    var count: Int

    @inline(__always)
    subscript(index: Int) -> Int { unsafe Int(self.rows[index]) }

    /// Whether these are the first rows of the batch, all of them.
    @inline(__always)
    private var isGapless: Bool { self.count == 0 || self[self.count &- 1] == self.count &- 1 }

    /// Calls `body` with each row.
    ///
    /// Where there are no gaps in plain order: loops over columns become wide instructions then.
    @inline(__always)
    func forEach(_ body: (Int) -> Void) {
        if self.isGapless {
            for row in 0..<self.count { body(row) }
        } else {
            for position in 0..<self.count { body(self[position]) }
        }
    }
}

/// Memory for the columns of one batch, used again for the next.
///
/// A column is taken for as long as the batch lasts; there are as many as the plan has steps.
@safe
struct ColumnPool: ~Copyable {
    private let rowCount: Int
    private var columns: [UnsafeMutableRawPointer] = unsafe []
    private var taken = 0

    init(rowCount: Int) {
        self.rowCount = rowCount
    }

    deinit {
        for index in 0..<(unsafe self.columns.count) { unsafe self.columns[index].deallocate() }
    }

    mutating func beginBatch() {
        self.taken = 0
    }

    private mutating func take() -> UnsafeMutableRawPointer {
        if unsafe self.taken == self.columns.count {
            let column = UnsafeMutableRawPointer.allocate(byteCount: self.rowCount * 8, alignment: 64)
            unsafe column.initializeMemory(as: UInt64.self, repeating: 0, count: self.rowCount)
            unsafe self.columns.append(column)
        }
        defer { self.taken += 1 }
        return unsafe self.columns[self.taken]
    }

    mutating func takeOffsets() -> UnsafeMutablePointer<UInt32> {
        unsafe self.take().assumingMemoryBound(to: UInt32.self)
    }

    mutating func takeIntegers() -> UnsafeMutablePointer<Int64> {
        unsafe self.take().assumingMemoryBound(to: Int64.self)
    }

    mutating func takeFlags() -> UnsafeMutablePointer<UInt8> {
        unsafe self.take().assumingMemoryBound(to: UInt8.self)
    }
}

/// A block in lower or upper case, made when the first slice of it is asked for.
@safe
struct CaseCopy: ~Copyable {
    private var memory: UnsafeMutablePointer<UInt8>
    private var capacity = 0
    private var isMade = false

    init() {
        unsafe self.memory = .allocate(capacity: 1)
    }

    deinit {
        unsafe self.memory.deallocate()
    }

    mutating func beginBlock() {
        self.isMade = false
    }

    /// The copy of a block, with room to read behind it.
    mutating func base(
        of block: UnsafePointer<UInt8>,
        count: Int,
        isUpper: Bool
    ) -> UnsafePointer<UInt8> {
        if !self.isMade {
            if self.capacity < count + 128 {
                unsafe self.memory.deallocate()
                self.capacity = count + count / 4 + 128
                unsafe self.memory = .allocate(capacity: self.capacity)
                unsafe self.memory.initialize(repeating: 0, count: self.capacity)
            }
            _ =
                isUpper
                ? unsafe weir_ascii_upper(block, self.memory, count)
                : unsafe weir_ascii_lower(block, self.memory, count)
            self.isMade = true
        }
        return unsafe UnsafePointer(self.memory)
    }
}
