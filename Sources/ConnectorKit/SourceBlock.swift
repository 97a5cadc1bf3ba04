/// Memory that a source reader fills and the engine works on in place.
///
/// | bytes                  | what they hold                                             |
/// | ---------------------- | ---------------------------------------------------------- |
/// | `0 ..< count`          | what was read, framed as ``Framing`` says                  |
/// | `count ..< capacity`   | room                                                       |
/// | the ``padding`` behind | readable, undefined: wide loads may run over the end       |
///
/// One subtask owns a block and uses it again for every poll.
@safe
public final class SourceBlock {
    /// Bytes behind the capacity that may be read, though they mean nothing.
    public static let padding = 128

    /// The first byte; moves when the block grows.
    public private(set) var base: UnsafeMutableRawPointer
    public private(set) var capacity: Int

    /// The capacity that it was made with.
    private let capacityInitial: Int

    /// How many bytes were delivered.
    public var count = 0

    /// The position of byte 0 in its resource; of decompressed bytes where it is compressed.
    public var position: Int64 = 0

    /// Bytes of the resource on disk that this block accounts for: progress, not meaning.
    public var consumedBytes: Int64 = 0

    public init(capacity: Int) {
        precondition(capacity > 0, "a block needs room")
        unsafe self.base = .allocate(byteCount: capacity + Self.padding, alignment: 64)
        self.capacity = capacity
        self.capacityInitial = capacity
        unsafe self.base.initializeMemory(as: UInt8.self, repeating: 0, count: capacity + Self.padding)
    }

    deinit {
        unsafe self.base.deallocate()
    }

    /// How many times its first capacity a block may have grown to and keep that.
    private static let keptGrowth = 16

    /// Forgets what it holds, and gives memory back that one large record needed.
    public func reset() {
        self.count = 0
        guard self.capacity / Self.keptGrowth > self.capacityInitial else { return }
        unsafe self.base.deallocate()
        self.capacity = self.capacityInitial
        let byteCount = self.capacity + Self.padding
        unsafe self.base = .allocate(byteCount: byteCount, alignment: 64)
        unsafe self.base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }

    /// Makes room for `capacity` bytes, keeping the first `preserving`.
    public func grow(to capacity: Int, preserving: Int) {
        guard capacity > self.capacity else { return }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: capacity + Self.padding, alignment: 64)
        unsafe memory.copyMemory(from: self.base, byteCount: preserving)
        unsafe (memory + preserving)
            .initializeMemory(as: UInt8.self, repeating: 0, count: capacity + Self.padding - preserving)
        unsafe self.base.deallocate()
        unsafe self.base = memory
        self.capacity = capacity
    }
}
