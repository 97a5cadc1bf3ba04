private import CPlatform

/// The heap of this process.
package enum HeapMemory {
    /// Blocks of more bytes are given back to the kernel when they are freed: few things are larger, and what isn't a
    /// table belongs to one long record.
    private static let keptBytes = 4 << 20

    /// Makes the heap give large blocks back at once, and not keep their space for others.
    ///
    /// Otherwise it keeps, for each thread, as much as its largest blocks took together. Call it before there are threads.
    package static func returnLargeBlocks() {
        weir_return_large_blocks(Int32(self.keptBytes))
    }
}
