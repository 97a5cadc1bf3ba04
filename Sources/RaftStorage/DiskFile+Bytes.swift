import Environment

extension DiskFile {
    func append(_ bytes: [UInt8]) throws(EnvironmentError) { try self.write(bytes, at: self.size) }

    func write(_ bytes: [UInt8], at offset: Int64) throws(EnvironmentError) {
        let failure = unsafe bytes.withUnsafeBytes { buffer -> EnvironmentError? in
            do throws(EnvironmentError) {
                try unsafe self.write(buffer, at: offset)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    /// Fewer bytes where the file ends.
    func read(at offset: Int64, count: Int) throws(EnvironmentError) -> [UInt8] {
        var failure: EnvironmentError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, found in
            do throws(EnvironmentError) {
                found = try unsafe self.read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
