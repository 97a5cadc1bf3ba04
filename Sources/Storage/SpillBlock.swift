/// What stands before each block of a spill file.
///
/// | offset | bytes | field                                                        |
/// | -----: | ----: | ------------------------------------------------------------ |
/// |      0 |     4 | magic "WSB1"                                                 |
/// |      4 |     4 | length of the frame, LE                                      |
/// |      8 |     4 | length of what is in it, LE, 1…1,048,576                     |
/// |     12 |     4 | number of the run, LE                                        |
/// |     16 |     4 | number of the block in the run, from 0, LE                   |
/// |     20 |     – | a zstd frame, with zstd's own checksum (XXH64) of the content |
///
/// Every field is compared with what must be there, so that the header needs no checksum: a block that was damaged,
/// lost or written elsewhere doesn't pass.
struct SpillBlock: Hashable, Sendable {
    static let headerLength = 20
    private static let magic = UInt32(0x3142_5357)

    let frameLength: Int
    let contentLength: Int
    let run: UInt32
    let index: Int

    init(frameLength: Int, contentLength: Int, run: UInt32, index: Int) {
        self.frameLength = frameLength
        self.contentLength = contentLength
        self.run = run
        self.index = index
    }

    /// Reads a header; nil where there is none.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.headerLength, unsafe Self.word(bytes, 0) == Self.magic else { return nil }
        self.frameLength = unsafe Int(Self.word(bytes, 4))
        self.contentLength = unsafe Int(Self.word(bytes, 8))
        self.run = unsafe Self.word(bytes, 12)
        self.index = unsafe Int(Self.word(bytes, 16))
    }

    func write(to bytes: UnsafeMutableRawBufferPointer) {
        let words = [
            Self.magic, UInt32(self.frameLength), UInt32(self.contentLength), self.run, UInt32(self.index),
        ]
        for (position, word) in words.enumerated() {
            unsafe bytes.storeBytes(of: word.littleEndian, toByteOffset: position * 4, as: UInt32.self)
        }
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
        UInt32(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
