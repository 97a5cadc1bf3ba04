private import Glibc

/// What this process has used so far.
package struct ProcessUsage: Hashable, Sendable {
    /// Memory of the process now, files mapped into it included.
    package let residentBytes: Int64

    /// The most that ``residentBytes`` ever was.
    package let residentBytesPeak: Int64

    /// Memory now that no file backs: heap, stacks, tables.
    package let anonymousBytes: Int64

    /// Processor time of all threads, in the process and in the kernel for it.
    package let processorTime: Duration

    /// Memory now that no file backs, asked in the cheapest way; 0 where the kernel doesn't tell.
    ///
    /// The kernel's line has seven numbers of pages: the second counts all that is resident, the third what files back.
    package static func anonymousBytesNow() -> Int64 {
        let pages = (TextFile.read("/proc/self/statm") ?? "").utf8.split(separator: UInt8(ascii: " "))
            .compactMap { Int64(String(decoding: $0, as: UTF8.self)) }
        guard pages.count >= 3 else { return 0 }
        return max(0, pages[1] - pages[2]) * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// The figures of this moment; those of memory are 0 where the kernel doesn't tell.
    package static func current() -> ProcessUsage {
        let status = TextFile.read("/proc/self/status") ?? ""
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let time = [usage.ru_utime, usage.ru_stime].reduce(Duration.zero) { sum, time in
            sum + .seconds(time.tv_sec) + .microseconds(Int64(time.tv_usec))
        }
        let resident = TextFile.kibibytes("VmRSS", in: status) ?? 0
        return ProcessUsage(
            residentBytes: resident,
            // The kernel notes a peak only when memory shrinks.
            residentBytesPeak: max(resident, TextFile.kibibytes("VmHWM", in: status) ?? 0),
            anonymousBytes: TextFile.kibibytes("RssAnon", in: status) ?? 0,
            processorTime: time
        )
    }
}

/// Small files of the kernel, line by line.
enum TextFile {
    /// Longer than any of these files is.
    private static let bytesLimit = 64 * 1_024

    /// The text of a file; nil where it can't be read.
    static func read(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: self.bytesLimit, alignment: 1)
        defer { unsafe buffer.deallocate() }
        var filled = 0
        while filled < buffer.count {
            let count = unsafe Glibc.read(descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
            guard count > 0 else { break }
            filled += count
        }
        return unsafe String(decoding: buffer[0..<filled], as: UTF8.self)
    }

    /// The value of a line such as `VmHWM:   1234 kB`, in bytes.
    static func kibibytes(_ key: String, in text: String) -> Int64? {
        let start = Array((key + ":").utf8)
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) where line.starts(with: start) {
            return Self.number(line.dropFirst(start.count)).map { $0 * 1_024 }
        }
        return nil
    }

    /// The first number in a line, which only blanks precede.
    private static func number(_ line: Substring.UTF8View) -> Int64? {
        let digits = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            .prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return Int64(String(decoding: digits, as: UTF8.self))
    }
}
