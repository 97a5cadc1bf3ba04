internal import CKernels
internal import FluentSyntax

/// The kernels of one map subtask.
struct MapKernel: ~Copyable {
    private var tokens: TokenKernel?
    private var runner: KernelRunner?
    private let needsUTF8: Bool
    private var lineIndex: UInt32 = 0
    private var lineStart = 0

    /// - Returns: Nil where there are none.
    init?(_ plan: KernelPlan?, output: borrowing MapOutput) {
        guard let plan else { return nil }
        self.needsUTF8 = plan.shape.needsUTF8
        if let value = plan.plainValue, let delta = output.columnDelta(for: value) {
            self.tokens = TokenKernel(shape: plan.shape, delta: delta)
            self.runner = nil
        } else {
            self.tokens = nil
            self.runner = KernelRunner(plan)
        }
    }

    /// Whether kernels see in a block what the machine sees; otherwise the machine must run all of it.
    func accepts(_ base: UnsafePointer<UInt8>, count: Int) -> Bool {
        unsafe !self.needsUTF8 || weir_is_ascii(base, count) != 0 || weir_is_utf8(base, count) != 0
    }

    mutating func begin(
        _ base: UnsafePointer<UInt8>,
        count: Int,
        hasCarriageReturns: Bool,
        into output: inout MapOutput
    ) {
        if self.tokens != nil {
            unsafe self.tokens?.run(base, count: count, hasCarriageReturns: hasCarriageReturns, into: &output)
            return
        }
        self.lineIndex = 0
        self.lineStart = 0
        unsafe self.runner?.begin(base, count: count, hasCarriageReturns: hasCarriageReturns)
    }

    /// Computes and emits a batch.
    ///
    /// - Returns: The records that the machine must run, or nil when the block is done.
    mutating func nextBatch(into output: inout MapOutput) throws(EvaluationError) -> [BailedRecord]? {
        guard self.runner?.nextBatch() == true else { return nil }
        let records = self.runner?.takeBailedRecords() ?? []
        for emit in self.runner?.emits ?? [] {
            if try self.emitColumn(emit, into: &output) { continue }
            try Self.emitRows(emit, from: output.add(emit), into: &output)
        }
        return records.map { BailedRecord(range: self.line($0.row), emittedCount: $0.emitted) }
    }

    /// Aggregates a column of text keys at once.
    ///
    /// - Returns: False where the pairs must be emitted one by one.
    private mutating func emitColumn(_ emit: KernelEmit, into output: inout MapOutput) throws(EvaluationError) -> Bool {
        guard case .text(let keys) = emit.key, case .constant(let value) = emit.value,
            let delta = output.columnDelta(for: value), let slices = self.runner?.slices(keys, emit.selection)
        else { return false }
        output.add(slices, delta: delta)
        return true
    }

    private static func emitRows(
        _ emit: KernelEmit,
        from first: Int,
        into output: inout MapOutput
    ) throws(EvaluationError) {
        for position in first..<emit.selection.count {
            let row = emit.selection[position]
            try output.emit(key: emit.key.value(row), value: emit.value.value(row))
        }
    }

    /// Where a line of the block lies, its end included; lines are asked for in ascending order.
    private mutating func line(_ index: UInt32) -> Range<Int> {
        guard let runner = self.runner?.blockBytes else { return 0..<0 }
        var start = self.lineStart
        var end = Self.lineEnd(runner, from: start)
        while self.lineIndex < index, end < runner.count {
            start = end
            end = Self.lineEnd(runner, from: start)
            self.lineIndex += 1
        }
        self.lineStart = start
        return start..<end
    }

    private static func lineEnd(_ block: Bytes, from start: Int) -> Int {
        var end = start
        while end < block.count, block[end] != UInt8(ascii: "\n") { end += 1 }
        return min(end + 1, block.count)
    }
}

/// A record that kernels leave to the machine.
struct BailedRecord {
    /// Its line in the block, with the line's end.
    let range: Range<Int>

    /// Pairs that kernels have emitted of it: the first ones that the machine will emit again.
    let emittedCount: Int
}

extension KernelEmit.Column {
    @inline(__always)
    func value(_ row: Int) -> Value {
        switch self {
        case .text(let text): Value(.string, text: text.slice(row))
        case .integer(let integer): Value(unsafe integer.values[row])
        case .constant(let value): Value(value)
        }
    }
}

extension KernelRunner {
    var blockBytes: Bytes { unsafe Bytes(start: self.block, count: self.blockCount) }

    /// The selected slices of a text, one behind the other.
    mutating func slices(_ text: TextReference, _ selection: Selection) -> TextSlices {
        if self.isWhole(selection) {
            return unsafe TextSlices(
                base: text.base,
                starts: text.starts,
                lengths: text.lengths,
                count: selection.count,
                keys: UnsafePointer(text.keys)
            )
        }
        if let keys = unsafe text.keys { return unsafe self.slices(keys, text, selection) }
        let starts = unsafe self.pool.takeOffsets()
        let lengths = unsafe self.pool.takeOffsets()
        for position in 0..<selection.count {
            let row = selection[position]
            unsafe starts[position] = text.starts[row]
            unsafe lengths[position] = text.lengths[row]
        }
        return unsafe TextSlices(base: text.base, starts: starts, lengths: lengths, count: selection.count)
    }

    private mutating func slices(
        _ keys: UnsafeMutablePointer<KeyWords>,
        _ text: TextReference,
        _ selection: Selection
    ) -> TextSlices {
        let room = unsafe self.rooms.take(selection.count * MemoryLayout<KeyWords>.stride)
        let selected = unsafe UnsafeMutableRawPointer(room).assumingMemoryBound(to: KeyWords.self)
        let lengths = unsafe self.pool.takeOffsets()
        for position in 0..<selection.count {
            let row = selection[position]
            unsafe selected[position] = keys[row]
            unsafe lengths[position] = text.lengths[row]
        }
        return unsafe TextSlices(
            base: UnsafePointer(room),
            starts: text.starts,
            lengths: lengths,
            count: selection.count,
            keys: UnsafePointer(selected)
        )
    }

    private func isWhole(_ selection: Selection) -> Bool { selection.count == self.element.count }
}
