package import ConnectorKit
internal import CKernels
internal import FluentSyntax
internal import JobPlan

/// One subtask before a shuffle, or of a job without one: decodes blocks and runs the map over their records.
///
/// ## Order of calls
/// For each split: `begin` with its blocks in turn, after each of them `step` until it answers false; then `endSplit`.
/// After the last split `finish` once. After each call `takeReady` gives the batches that are full. `discard` at any
/// time instead.
package struct MapStage: ~Copyable {
    private var machine: Machine<MapOutput>
    private let function: MapCall
    private var kernel: MapKernel?
    private var decoder: RecordDecoder
    private let policy: RecordPolicy
    private let deadLetters: (any SinkWriter)?
    private var runsKernels = false
    private var recordCount = 0
    private var rejectedCount = 0
    private var deadLetterParts: [SinkPart] = []

    /// The first records that were rejected, for the summary.
    package var rejectedExamples: [RejectedRecord] { self.examples.records }
    private var examples = RejectedExamples()
    private static let recordsPerStep = 64
    private static let batchesPerStep = 16

    init(
        machine: consuming Machine<MapOutput>,
        function: MapCall,
        kernel: consuming MapKernel?,
        decoder: consuming RecordDecoder,
        policy: RecordPolicy,
        deadLetters: (any SinkWriter)?
    ) {
        self.machine = machine
        self.function = function
        self.kernel = kernel
        self.decoder = decoder
        self.policy = policy
        self.deadLetters = deadLetters
    }

    /// Makes lambdas that run long fail when the job is cancelled.
    package mutating func stop(when isCancelled: @escaping @Sendable () -> Bool) {
        self.machine.stop(when: isCancelled)
    }

    package var figures: MapFigures {
        var figures = MapFigures()
        figures.records = self.recordCount
        figures.pairs = self.machine.host.pairCount
        figures.rejected = self.rejectedCount
        (figures.shuffledRows, figures.shuffledBytes) = self.machine.host.shuffled
        return figures
    }

    /// The part of the output that this subtask wrote, where there is no shuffle.
    package var parts: [SinkPart] { self.machine.host.parts }

    /// The part of the dead-letter sink that this subtask wrote.
    package var deadLetterPartsWritten: [SinkPart] { self.deadLetterParts }

    /// Takes a block, which must stay as it is until ``step()`` answers false.
    package mutating func begin(_ block: SourceBlock, of split: Split) {
        self.runsKernels = false
        let base = unsafe UnsafePointer(block.base.assumingMemoryBound(to: UInt8.self))
        if let accepts = unsafe self.kernel?.accepts(base, count: block.count), accepts {
            let lines = unsafe weir_line_statistics(base, block.count)
            self.recordCount += Int(lines.newlines)
            if unsafe base[block.count - 1] != UInt8(ascii: "\n") { self.recordCount += 1 }
            unsafe self.kernel?.begin(
                base,
                count: block.count,
                hasCarriageReturns: lines.carriage_returns != 0,
                into: &self.machine.host
            )
            self.runsKernels = true
        }
        self.decoder.begin(block, of: split)
    }

    /// Works on the block for a while: few enough records that a cancellation isn't kept waiting.
    ///
    /// - Returns: False when the block is done.
    package mutating func step() throws(EngineError) -> Bool {
        if self.runsKernels {
            for _ in 0..<Self.batchesPerStep {
                guard try self.runKernels() else { return false }
            }
            return true
        }
        for _ in 0..<Self.recordsPerStep {
            guard try self.nextRecord() else { return false }
            if self.machine.host.isFull { return true }
        }
        return true
    }

    /// Runs the kernels over a batch, and the machine over the records that they leave to it.
    ///
    /// - Returns: False when the block is done.
    private mutating func runKernels() throws(EngineError) -> Bool {
        let records: [BailedRecord]?
        do {
            records = try self.kernel?.nextBatch(into: &self.machine.host)
        } catch {
            if let failure = self.machine.host.failure { throw failure }
            if error.code == .cancelled { throw .cancelled }
            throw .evaluation(error, self.decoder.place)
        }
        guard let records else { return false }
        for record in records {
            self.decoder.seek(to: record.range.lowerBound)
            self.machine.host.repeatedCount = record.emittedCount
            _ = try self.nextRecord()
            // Counted with the lines of the block.
            self.recordCount &-= 1
            self.machine.host.repeatedCount = 0
        }
        if self.kernel != nil { try self.machine.host.commitPairs() }
        return true
    }

    /// The split's last block was processed.
    package mutating func endSplit() throws(EngineError) {
        self.decoder.endResource()
        while try self.nextRecord() {}
    }

    /// Decodes a record and runs the map over it.
    ///
    /// - Returns: False when the block has no more.
    private mutating func nextRecord() throws(EngineError) -> Bool {
        self.machine.beginRecord()
        self.machine.host.beginRecord()
        let mark = self.machine.host.pairs.mark
        do {
            guard try self.decoder.next(in: &self.machine.workspace.arena) else { return false }
            self.recordCount &+= 1
            try self.call()
            if self.machine.host.hasEmittedTooMuch { throw self.machine.host.emittedTooMuch }
        } catch let error as EvaluationError {
            if error.code == .cancelled { throw .cancelled }
            try self.reject(mark, reason: error.code.message, range: error.range) { place in .evaluation(error, place) }
            return true
        } catch let error as FatalDecodingError {
            throw .unreadable(resource: self.decoder.place.resource, reason: error.reason)
        } catch {
            self.recordCount &+= 1
            try self.reject(mark, reason: "\(error)", range: nil) { place in
                .undecodable(reason: "\(error)", place)
            }
            return true
        }
        try self.machine.host.commitPairs()
        return true
    }

    @inline(__always)
    private mutating func call() throws(EvaluationError) {
        switch self.function {
        case .record(let function):
            _ = try self.machine.call(function, self.decoder.record)
        case .keyAndRecord(let function):
            _ = try self.machine.call(function, self.decoder.key, self.decoder.record)
        case .fields(let function, let whole, let takesKey):
            guard self.decoder.hasFields else { return try self.callWhole(whole, takesKey: takesKey) }
            try self.callFields(function, takesKey: takesKey)
        }
    }

    /// Up to three fields need no array.
    @inline(__always)
    private mutating func callFields(_ function: FunctionIndex, takesKey: Bool) throws(EvaluationError) {
        if takesKey {
            _ = try self.machine.call(function, [self.decoder.key] + self.decoder.fields)
            return
        }
        switch self.decoder.fieldCount {
        case 1: _ = try self.machine.call(function, self.decoder.field(0))
        case 2: _ = try self.machine.call(function, self.decoder.field(0), self.decoder.field(1))
        case 3:
            let first = self.decoder.field(0)
            _ = try self.machine.call(function, first, self.decoder.field(1), self.decoder.field(2))
        default: _ = try self.machine.call(function, self.decoder.fields)
        }
    }

    private mutating func callWhole(_ function: FunctionIndex, takesKey: Bool) throws(EvaluationError) {
        if takesKey {
            _ = try self.machine.call(function, self.decoder.key, self.decoder.record)
        } else {
            _ = try self.machine.call(function, self.decoder.record)
        }
    }

    /// Takes back what the record emitted, and stops or goes on as the policy says.
    private mutating func reject(
        _ mark: PairBuffer.Mark,
        reason: String,
        range: SourceRange?,
        error: (RecordPlace) -> EngineError
    ) throws(EngineError) {
        if let failure = self.machine.host.failure { throw failure }
        let place = self.decoder.place
        guard self.policy.passes(over: error(place)) else { throw error(place) }
        self.machine.host.pairs.truncate(to: mark)
        self.rejectedCount += 1
        let record = RejectedRecord(place: place, bytes: self.decoder.rawBytes.array, reason: reason, range: range)
        self.examples.add(record)
        guard let deadLetters = self.deadLetters else { return }
        var line = ByteBuffer()
        record.append(to: &line)
        do {
            let bytes = line.bytes
            unsafe try deadLetters.write(UnsafeRawBufferPointer(start: bytes.start, count: bytes.count))
        } catch {
            throw .connector(error)
        }
    }

    package mutating func finish() throws(EngineError) {
        try self.machine.host.finish()
        guard let deadLetters = self.deadLetters else { return }
        do {
            self.deadLetterParts.append(try deadLetters.finish())
        } catch {
            throw .connector(error)
        }
    }

    /// Gives up: what was written is removed.
    package mutating func discard() {
        self.machine.host.discard()
        self.deadLetters?.discard()
    }

    package mutating func takeReady() -> [RoutedBatch] { self.machine.host.takeReady() }
}

/// What becomes of records that fail.
enum RecordPolicy: Hashable {
    case fail
    case skip
}

/// How the map is called.
enum MapCall {
    case record(FunctionIndex)
    case keyAndRecord(FunctionIndex)
    /// With the fields of the record; `whole` for a record that has none.
    case fields(FunctionIndex, whole: FunctionIndex, takesKey: Bool)
}

/// What a map has done so far.
package struct MapFigures: Hashable, Sendable {
    package var records = 0
    package var pairs = 0
    package var rejected = 0

    /// Rows that went on towards the reduce, and bytes of their batches.
    package var shuffledRows = 0
    package var shuffledBytes = 0

    package init() {}
}
