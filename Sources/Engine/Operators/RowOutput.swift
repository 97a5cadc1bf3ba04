internal import CoreTypes
package import WireFormat

/// A full batch on its way to a subtask of the next stage.
package struct RoutedBatch {
    package let destination: Int
    package let batch: RecordBatch
}

/// How keys are dealt to the partitions of the output and to the subtasks that write them.
package struct Routing: Sendable {
    package let keyGroupCount: Int
    package let partitionCount: Int
    package let subtaskCount: Int

    package init(keyGroupCount: Int, partitionCount: Int, subtaskCount: Int) {
        precondition(subtaskCount >= 1 && partitionCount >= subtaskCount, "every subtask owns a partition")
        self.keyGroupCount = keyGroupCount
        self.partitionCount = partitionCount
        self.subtaskCount = subtaskCount
    }

    @inline(__always)
    package func partition(hash: UInt64) -> Int {
        KeyGroup(hash: hash, groupCount: self.keyGroupCount)
            .partition(of: self.partitionCount, groupCount: self.keyGroupCount)
    }

    /// The owner of a partition when they are dealt in contiguous ranges, as ``JobGraph/partitions(ofSubtask:)`` does.
    @inline(__always)
    package func subtask(ofPartition partition: Int) -> Int {
        ((partition + 1) * self.subtaskCount - 1) / self.partitionCount
    }
}

/// Collects rows into one batch per destination and queues those that are full.
package struct RowOutput: ~Copyable {
    package let routing: Routing
    private let batchBytes: Int
    private var open: [RecordBatch?]

    /// Batches that the owner must take before it adds more than one block's rows.
    package private(set) var ready: [RoutedBatch] = []
    package private(set) var rowCount = 0

    /// Bytes of all batches that were queued.
    package private(set) var queuedBytes = 0

    /// Bytes of the batches in ``ready``.
    package private(set) var readyBytes = 0

    package init(routing: Routing, batchBytes: Int) {
        self.routing = routing
        self.batchBytes = batchBytes
        self.open = Array(repeating: nil, count: routing.subtaskCount)
    }

    /// Adds a row and returns where its payload belongs.
    @inline(__always)
    mutating func append(
        _ key: KeyWords,
        hash: UInt64,
        longKey: UnsafeRawPointer?,
        payloadBytes: Int,
        form: RecordBatch.Form
    ) -> UnsafeMutableRawPointer {
        let destination = self.routing.subtask(ofPartition: self.routing.partition(hash: hash))
        let keyBytes = unsafe longKey == nil ? 0 : key.count
        let size = RecordBatch.rowBytes(keyBytes: keyBytes, payloadBytes: payloadBytes)
        let batch = self.batch(for: destination, rowBytes: size, form: form)
        self.rowCount &+= 1
        return unsafe batch.append(key.a, key.b, key: longKey, keyBytes: keyBytes, payloadBytes: payloadBytes)
    }

    /// Queues a batch of one row, behind what its destination got before.
    mutating func append(_ batch: RecordBatch, hash: UInt64) {
        let destination = self.routing.subtask(ofPartition: self.routing.partition(hash: hash))
        if let full = self.open[destination] { self.queue(full, for: destination) }
        self.open[destination] = nil
        self.queue(batch, for: destination)
        self.rowCount &+= 1
    }

    @inline(__always)
    private mutating func batch(for destination: Int, rowBytes: Int, form: RecordBatch.Form) -> RecordBatch {
        if let batch = self.open[destination], batch.form == form, batch.hasRoom(rowBytes) { return batch }
        return self.openBatch(for: destination, rowBytes: rowBytes, form: form)
    }

    @inline(never)
    private mutating func openBatch(for destination: Int, rowBytes: Int, form: RecordBatch.Form) -> RecordBatch {
        if let full = self.open[destination] { self.queue(full, for: destination) }
        let batch = RecordBatch(form: form, capacity: max(self.batchBytes, rowBytes))
        self.open[destination] = batch
        return batch
    }

    /// Queues what is still open: at the end of the input.
    package mutating func flush() {
        for destination in self.open.indices {
            guard let batch = self.open[destination], batch.rowCount > 0 else { continue }
            self.queue(batch, for: destination)
            self.open[destination] = nil
        }
    }

    private mutating func queue(_ batch: RecordBatch, for destination: Int) {
        self.queuedBytes += batch.count
        self.readyBytes += batch.count
        self.ready.append(RoutedBatch(destination: destination, batch: batch))
    }

    package mutating func takeReady() -> [RoutedBatch] {
        defer {
            self.ready = []
            self.readyBytes = 0
        }
        return self.ready
    }
}
