/// A file system, as far as storage needs one.
///
/// Paths are absolute or relative to the process's directory. Every call may block: none belongs on a thread that
/// others wait for.
package protocol Disk: Sendable {
    /// Makes a directory and those above it; one that exists is fine.
    func createDirectory(_ path: String) throws(EnvironmentError)

    /// Creates a file for appending and reading, which must not exist yet.
    func createFile(_ path: String) throws(EnvironmentError) -> any DiskFile

    /// Creates a file that has no name: it goes away with its last descriptor, however the process ends.
    ///
    /// `directory`: On whose disk it lies.
    func createUnnamedFile(in directory: String) throws(EnvironmentError) -> any DiskFile

    /// Opens a file for reading.
    func openFile(_ path: String) throws(EnvironmentError) -> any DiskFile

    /// Gives a file another name, replacing one that has it.
    func rename(_ path: String, to newPath: String) throws(EnvironmentError)

    /// Removes a file or an empty directory.
    ///
    /// - Throws: `.notFound` where there is none.
    func remove(_ path: String) throws(EnvironmentError)

    /// The names in a directory, sorted, without `.` and `..`.
    func list(_ directory: String) throws(EnvironmentError) -> [String]

    /// Makes names that were created, renamed and removed in a directory durable.
    func synchronizeDirectory(_ path: String) throws(EnvironmentError)
}

/// An open file; closed when nothing refers to it any longer.
///
/// One thread appends; several may read at once what is already there.
package protocol DiskFile: AnyObject, Sendable {
    /// What messages call it.
    var path: String { get }

    /// Bytes in the file.
    var size: Int64 { get throws(EnvironmentError) }

    /// Writes all of `bytes` behind the end.
    ///
    /// - Throws: Some of them may have been written.
    func append(_ bytes: UnsafeRawBufferPointer) throws(EnvironmentError)

    /// Writes all of `bytes` from `offset` on; several threads may write to ranges that don't overlap.
    ///
    /// - Throws: Some of them may have been written.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(EnvironmentError)

    /// Gives the space of a range back, where the file system can; its bytes are then undefined.
    func discard(_ range: Range<Int64>)

    /// Reads from `offset` until the buffer is full or the file ends.
    ///
    /// - Returns: How many bytes were read.
    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(EnvironmentError) -> Int

    /// Makes what was appended durable.
    func synchronize() throws(EnvironmentError)
}
