/// Slices of one run of bytes, lent for a call; 16 bytes from each beginning may be read.
@safe
struct TextSlices {
    let base: UnsafePointer<UInt8>
    let starts: UnsafeMutablePointer<UInt32>
    let lengths: UnsafeMutablePointer<UInt32>
    let count: Int

    /// The same texts as keys, where that is how they were made; all are short then.
    var keys: UnsafePointer<KeyWords>? = nil
}

/// A batch of slices of one run of bytes: where each begins and how long it is.
///
/// `base` may be moved to bytes of the same shape, as `lower` does: the slices stay.
@safe
package struct TextColumn: ~Copyable {
    /// Rows that fit.
    package let capacity: Int
    package var count = 0
    package let starts: UnsafeMutablePointer<UInt32>
    package let lengths: UnsafeMutablePointer<UInt32>

    package init(capacity: Int) {
        self.capacity = capacity
        unsafe self.starts = .allocate(capacity: capacity)
        unsafe self.lengths = .allocate(capacity: capacity)
        unsafe self.starts.initialize(repeating: 0, count: capacity)
        unsafe self.lengths.initialize(repeating: 0, count: capacity)
    }

    deinit {
        unsafe self.starts.deallocate()
        unsafe self.lengths.deallocate()
    }
}
