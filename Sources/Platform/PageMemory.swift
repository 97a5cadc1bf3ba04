package import Environment
private import Glibc

/// Memory straight from the kernel: zeroed, in whole pages, given back at once.
package enum PageMemory {
    /// Maps at least `byteCount` bytes.
    ///
    /// Large pages (2 MiB) save most of the address translation of tables that are read at random; the kernel uses
    /// them where it has them.
    ///
    /// - Parameters:
    ///   - byteCount: At least 1; the same number goes to ``unmap(_:byteCount:)``.
    ///   - usesLargePages: Whether to ask for large pages.
    /// - Returns: The first byte; the memory counts only as far as it is touched.
    /// - Throws: The address space or the machine's memory is used up.
    package static func map(
        byteCount: Int,
        usesLargePages: Bool
    ) throws(EnvironmentError) -> UnsafeMutableRawPointer {
        precondition(byteCount > 0, "no memory has no address")
        let memory = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            throw .last("get \(byteCount) bytes of memory")
        }
        // Advice only: a kernel without large pages says no, and small ones do as well.
        if usesLargePages { unsafe madvise(memory, byteCount, MADV_HUGEPAGE) }
        return unsafe memory
    }

    /// Gives memory of ``map(byteCount:usesLargePages:)`` back.
    package static func unmap(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
        let result = unsafe munmap(memory, byteCount)
        precondition(result == 0, "only what was mapped is unmapped")
    }
}
