internal import ConnectorKit

/// Bytes of one resource, in order.
protocol ByteSupply: ~Copyable {
    /// The position of the next byte in the (decompressed) resource.
    var position: Int64 { get }

    /// Bytes of the file used up since the last call.
    mutating func takeConsumed() -> Int64

    /// Fills `buffer`; fewer bytes than it has room for, even none, mean the end of the resource.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(ConnectorError) -> Int

    /// Checks that the file still is what it was when it was opened.
    func verifyUnchanged() throws(ConnectorError)
}
