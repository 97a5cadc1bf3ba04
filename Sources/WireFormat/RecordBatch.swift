/// Keyed rows in one run of bytes: what crosses an exchange, a spill file and, later, a socket.
///
/// | offset | bytes | field of a row                                                               |
/// | -----: | ----: | ---------------------------------------------------------------------------- |
/// |      0 |    16 | the two words of the key, little-endian                                      |
/// |     16 |     4 | length of the key's bytes that follow: 0 for a key that its words hold       |
/// |     20 |     4 | length of the payload                                                        |
/// |     24 |     – | key bytes, padded to 8; then the payload, padded to 8                        |
///
/// Rows follow each other without a gap and begin at multiples of 8.
///
/// Isolation: one owner at a time. A batch is handed over with its reference, never shared.
@safe
public final class RecordBatch {
    /// What the payloads are.
    public enum Form: UInt8, Sendable {
        /// The 64-bit columns of an aggregation.
        case integers
        /// Encoded aggregate states.
        case states
        /// One encoded value.
        case value
    }

    public static let headerBytes = 24

    /// What changes with every row: behind a pointer, since fields of a class are checked for overlapping accesses each
    /// time, which costs more than a row does.
    @safe
    @usableFromInline
    struct State {
        @usableFromInline var base: UnsafeMutableRawPointer
        @usableFromInline var capacity: Int
        @usableFromInline var count = 0
        @usableFromInline var rowCount = 0

        init(base: UnsafeMutableRawPointer, capacity: Int) {
            unsafe self.base = base
            self.capacity = capacity
        }
    }

    @usableFromInline let state: UnsafeMutablePointer<State>
    public let form: Form

    public init(form: Form, capacity: Int) {
        precondition(capacity >= Self.headerBytes, "a batch has room for a row")
        self.form = form
        unsafe self.state = .allocate(capacity: 1)
        let base = UnsafeMutableRawPointer.allocate(byteCount: capacity + 16, alignment: 16)
        unsafe self.state.initialize(to: State(base: base, capacity: capacity))
    }

    deinit {
        unsafe self.base.deallocate()
        unsafe self.state.deallocate()
    }

    /// The rows begin here.
    @inlinable public var base: UnsafeMutableRawPointer { unsafe self.state.pointee.base }
    @inlinable public var capacity: Int { unsafe self.state.pointee.capacity }
    /// Bytes of all rows.
    @inlinable public var count: Int { unsafe self.state.pointee.count }
    @inlinable public var rowCount: Int { unsafe self.state.pointee.rowCount }

    /// Bytes of a row with these lengths.
    @inlinable
    public static func rowBytes(keyBytes: Int, payloadBytes: Int) -> Int {
        Self.headerBytes + ((keyBytes + 7) & ~7) + ((payloadBytes + 7) & ~7)
    }

    @inlinable
    public func hasRoom(_ rowBytes: Int) -> Bool {
        self.count + rowBytes <= self.capacity
    }

    /// Adds a row's header and key and returns where its payload belongs.
    ///
    /// A row that is larger than an empty batch enlarges it; otherwise the caller asks ``hasRoom(_:)`` first.
    @inlinable
    @inline(__always)
    public func append(
        _ a: UInt64,
        _ b: UInt64,
        key: UnsafeRawPointer?,
        keyBytes: Int,
        payloadBytes: Int
    ) -> UnsafeMutableRawPointer {
        let size = Self.rowBytes(keyBytes: keyBytes, payloadBytes: payloadBytes)
        if self.count + size > self.capacity { self.enlarge(to: self.count + size) }
        let row = unsafe self.base + self.count
        unsafe row.storeBytes(of: a, as: UInt64.self)
        unsafe (row + 8).storeBytes(of: b, as: UInt64.self)
        unsafe (row + 16).storeBytes(of: UInt32(keyBytes), as: UInt32.self)
        unsafe (row + 20).storeBytes(of: UInt32(payloadBytes), as: UInt32.self)
        if let key = unsafe key { unsafe (row + Self.headerBytes).copyMemory(from: key, byteCount: keyBytes) }
        unsafe self.state.pointee.count += size
        unsafe self.state.pointee.rowCount += 1
        return unsafe row + Self.headerBytes + ((keyBytes + 7) & ~7)
    }

    public func removeAll() {
        unsafe self.state.pointee.count = 0
        unsafe self.state.pointee.rowCount = 0
    }

    @usableFromInline
    func enlarge(to bytes: Int) {
        let larger = UnsafeMutableRawPointer.allocate(byteCount: bytes + 16, alignment: 16)
        unsafe larger.copyMemory(from: self.base, byteCount: self.count)
        unsafe self.base.deallocate()
        unsafe self.state.pointee.base = larger
        unsafe self.state.pointee.capacity = bytes
    }
}

/// A row of a ``RecordBatch``, in place.
@safe
public struct RecordRow {
    public let base: UnsafeRawPointer

    @inlinable
    public init(_ base: UnsafeRawPointer) {
        unsafe self.base = base
    }

    @inlinable
    public var a: UInt64 { unsafe self.base.load(as: UInt64.self) }

    @inlinable
    public var b: UInt64 { unsafe self.base.load(fromByteOffset: 8, as: UInt64.self) }

    @inlinable
    public var keyBytes: Int { unsafe Int(self.base.load(fromByteOffset: 16, as: UInt32.self)) }

    @inlinable
    public var payloadBytes: Int { unsafe Int(self.base.load(fromByteOffset: 20, as: UInt32.self)) }

    @inlinable
    public var key: UnsafeRawPointer { unsafe self.base + RecordBatch.headerBytes }

    @inlinable
    public var payload: UnsafeRawPointer {
        unsafe self.base + RecordBatch.headerBytes + ((self.keyBytes + 7) & ~7)
    }

    /// The row that `bytes`, which may come from anywhere, begin with.
    ///
    /// - Throws: It doesn't lie in them as a whole.
    @inlinable
    public init(checking bytes: UnsafeRawBufferPointer) throws(RecordRowError) {
        guard let start = bytes.baseAddress, bytes.count >= RecordBatch.headerBytes else {
            throw .truncatedHeader(byteCount: bytes.count)
        }
        guard UInt(bitPattern: start) & 7 == 0 else { throw .misaligned }
        unsafe self.init(start)
        guard self.size <= bytes.count else { throw .truncatedRow(size: self.size, byteCount: bytes.count) }
    }

    /// Bytes from this row to the next.
    @inlinable
    public var size: Int {
        RecordBatch.rowBytes(keyBytes: self.keyBytes, payloadBytes: self.payloadBytes)
    }
}

/// Why bytes from outside aren't a row.
public enum RecordRowError: Error, Hashable, Sendable, CustomStringConvertible {
    /// They end inside the header.
    case truncatedHeader(byteCount: Int)
    /// The lengths in the header reach beyond them.
    case truncatedRow(size: Int, byteCount: Int)
    /// They don't begin at a multiple of 8.
    case misaligned

    public var description: String {
        switch self {
        case .truncatedHeader(let byteCount):
            "\(byteCount) bytes are left, fewer than the header of a row has"
        case .truncatedRow(let size, let byteCount):
            "a row says that it has \(size) bytes, and \(byteCount) are left"
        case .misaligned:
            "a row doesn't begin at a multiple of 8"
        }
    }
}
