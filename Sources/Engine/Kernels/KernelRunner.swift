internal import CKernels

/// Runs a ``KernelPlan`` over blocks: cuts rows, computes columns a batch at a time, emits what is left.
///
/// Kernels are an optimistic path. A row that needs more than they can do (text beyond ASCII where letters change, an
/// overflow, an index outside) *bails*: nothing of its record is emitted here, and the machine runs the whole record,
/// so that values and errors are the machine's. Emits of the record that earlier batches of the same block have made
/// are left out then: the machine repeats them in the same order.
@safe
struct KernelRunner: ~Copyable {
    let plan: KernelPlan
    private var scanner: TokenScanner
    var element: TextColumn
    private let rows: UnsafeMutablePointer<UInt32>
    var pool: ColumnPool
    private let identity: UnsafeMutablePointer<UInt32>
    var bindings: [KernelBound]
    var lowered = CaseCopy()
    var raised = CaseCopy()

    /// What texts built for this batch point at.
    var texts: [BuiltText] = []
    var rooms = TextRooms()

    /// Where the text of each row's key begins in a column of keys.
    let keyStarts: UnsafeMutablePointer<UInt32>
    let decimals = ShortDecimals()

    var block: UnsafePointer<UInt8>
    var blockCount = 0
    var blockIsASCII = true

    /// Whether a row of this block may bail: if none can, nobody needs to know which record a row belongs to.
    private var mayBail = false

    /// Rows of the batch that bailed; 1 where so.
    private let bailed: UnsafeMutablePointer<UInt8>
    private var hasBailed = false
    var emits: [KernelEmit] = []

    /// The record that a batch ended in, how many pairs it has emitted, and whether it bailed.
    private var openRow: UInt32 = .max
    private var openEmits = 0
    private var openHasBailed = false

    static let batchCount = 1_024

    init(_ plan: KernelPlan) {
        self.plan = plan
        self.scanner = TokenScanner(separators: plan.shape.separators, emptyPieces: plan.shape.emptyPieces)
        self.element = TextColumn(capacity: Self.batchCount)
        self.pool = ColumnPool(rowCount: Self.batchCount)
        unsafe self.rows = .allocate(capacity: Self.batchCount)
        unsafe self.rows.initialize(repeating: 0, count: Self.batchCount)
        unsafe self.identity = .allocate(capacity: Self.batchCount)
        for row in 0..<Self.batchCount { unsafe (self.identity + row).initialize(to: UInt32(row)) }
        unsafe self.keyStarts = .allocate(capacity: Self.batchCount)
        for row in 0..<Self.batchCount {
            unsafe (self.keyStarts + row).initialize(to: UInt32(row * MemoryLayout<KeyWords>.stride))
        }
        unsafe self.bailed = .allocate(capacity: Self.batchCount)
        unsafe self.bailed.initialize(repeating: 0, count: Self.batchCount)
        self.bindings = Array(repeating: .none, count: plan.boundCount)
        unsafe self.block = UnsafePointer(bitPattern: 16).unsafelyUnwrapped
    }

    deinit {
        unsafe self.rows.deallocate()
        unsafe self.identity.deallocate()
        unsafe self.keyStarts.deallocate()
        unsafe self.bailed.deallocate()
    }

    mutating func begin(_ base: UnsafePointer<UInt8>, count: Int, hasCarriageReturns: Bool) {
        unsafe self.block = base
        self.blockCount = count
        self.blockIsASCII = unsafe weir_is_ascii(base, count) != 0
        self.mayBail = self.plan.canBail && (self.plan.canBailInASCII || !self.blockIsASCII)
        self.lowered.beginBlock()
        self.raised.beginBlock()
        self.openRow = .max
        self.openEmits = 0
        self.openHasBailed = false
        unsafe self.scanner.begin(base, count: count, hasCarriageReturns: hasCarriageReturns)
    }

    /// Computes the next batch.
    ///
    /// - Returns: False when the block has no more. Otherwise ``emits`` tell what to emit and ``bailedRows()`` which
    ///   records the machine must run.
    mutating func nextBatch() -> Bool {
        let rows = unsafe self.mayBail ? self.rows : nil
        guard unsafe self.scanner.fill(&self.element, rows: rows) else { return false }
        self.pool.beginBatch()
        self.rooms.beginBatch()
        self.texts.removeAll(keepingCapacity: true)
        self.emits.removeAll(keepingCapacity: true)
        self.hasBailed = false
        var all = unsafe Selection(rows: self.identity, count: self.element.count)
        if self.mayBail { self.leaveOutOpenRecord(&all) }
        self.run(self.plan.effects, all)
        return true
    }

    /// Pieces of a record that bailed in an earlier batch are the machine's already.
    private mutating func leaveOutOpenRecord(_ selection: inout Selection) {
        unsafe self.bailed.update(repeating: 0, count: self.element.count)
        guard self.openHasBailed else { return }
        let kept = unsafe self.pool.takeOffsets()
        var count = 0
        for row in 0..<self.element.count where unsafe self.rows[row] != self.openRow {
            unsafe kept[count] = UInt32(row)
            count += 1
        }
        unsafe selection = Selection(rows: kept, count: count)
    }

    @inline(__always)
    mutating func bail(_ row: Int) {
        precondition(self.mayBail, "the plan knows which rows can bail")
        unsafe self.bailed[row] = 1
        self.hasBailed = true
    }

    /// The records of this batch that the machine must run, and how many of their first pairs were emitted before.
    ///
    /// In ascending order. Removes their rows from ``emits``.
    mutating func takeBailedRecords() -> [(row: UInt32, emitted: Int)] {
        guard self.mayBail else { return [] }
        var records: [(row: UInt32, emitted: Int)] = []
        if self.hasBailed {
            for row in 0..<self.element.count where unsafe self.bailed[row] != 0 {
                let record = unsafe self.rows[row]
                if records.last?.row != record {
                    records.append((record, record == self.openRow ? self.openEmits : 0))
                }
            }
            self.leaveOut(records)
        }
        self.noteOpenRecord(records)
        return records
    }

    private mutating func leaveOut(_ records: [(row: UInt32, emitted: Int)]) {
        for index in self.emits.indices {
            let old = self.emits[index].selection
            var kept = unsafe Selection(rows: self.pool.takeOffsets(), count: 0)
            var next = 0
            for position in 0..<old.count {
                let record = unsafe self.rows[old[position]]
                while next < records.count, records[next].row < record { next += 1 }
                if next < records.count, records[next].row == record { continue }
                unsafe kept.rows[kept.count] = UInt32(old[position])
                kept.count += 1
            }
            self.emits[index].selection = kept
        }
    }

    /// Remembers the record that the batch ended in: its next pieces come in the next batch.
    private mutating func noteOpenRecord(_ records: [(row: UInt32, emitted: Int)]) {
        guard self.element.count > 0 else { return }
        let last = unsafe self.rows[self.element.count - 1]
        if last != self.openRow {
            self.openRow = last
            self.openEmits = 0
            self.openHasBailed = false
        }
        self.openHasBailed = self.openHasBailed || records.contains { $0.row == last }
        for emit in self.emits {
            var position = emit.selection.count - 1
            while position >= 0, unsafe self.rows[emit.selection[position]] == last {
                self.openEmits += 1
                position -= 1
            }
        }
    }
}

/// Text that was built for a batch.
final class BuiltText {
    private let buffer: ByteBuffer

    init(_ buffer: consuming ByteBuffer) {
        self.buffer = buffer
    }
}

/// A value bound for the effects in it.
enum KernelBound {
    case none
    case text(TextReference)
    case integer(IntegerReference)
}

/// One `emit` of a batch: for each selected row.
struct KernelEmit {
    enum Column {
        case text(TextReference)
        case integer(IntegerReference)
        case constant(Int64)
    }

    var selection: Selection
    let key: Column
    let value: Column
}

// MARK: - Effects

extension KernelRunner {
    private mutating func run(_ effects: [KernelEffect], _ selection: Selection) {
        guard selection.count > 0 else { return }
        for effect in effects {
            switch effect {
            case .emit(let key, let value):
                let key = self.column(key, selection)
                let value = self.column(value, selection)
                self.emits.append(KernelEmit(selection: selection, key: key, value: value))
            case .choose(let condition, let then, let otherwise):
                let flags = unsafe self.flags(condition, selection)
                self.run(then, unsafe self.select(selection, flags, isTrue: 1))
                if !otherwise.isEmpty { self.run(otherwise, unsafe self.select(selection, flags, isTrue: 0)) }
            case .bind(let number, let value, let inner):
                switch value {
                case .text(let text): self.bindings[number] = .text(self.text(text, selection))
                case .integer(let integer): self.bindings[number] = .integer(self.integer(integer, selection))
                }
                self.run(inner, selection)
            }
        }
    }

    private mutating func column(_ scalar: KernelScalar, _ selection: Selection) -> KernelEmit.Column {
        switch scalar {
        case .text(let text): .text(self.text(text, selection))
        case .integer(.constant(let value)): .constant(value)
        case .integer(let integer): .integer(self.integer(integer, selection))
        }
    }

    private mutating func select(
        _ selection: Selection,
        _ flags: UnsafeMutablePointer<UInt8>,
        isTrue: UInt8
    ) -> Selection {
        let kept = unsafe self.pool.takeOffsets()
        var count = 0
        for position in 0..<selection.count {
            let row = selection[position]
            unsafe kept[count] = UInt32(truncatingIfNeeded: row)
            count &+= unsafe flags[row] == isTrue ? 1 : 0
        }
        return unsafe Selection(rows: kept, count: count)
    }
}
