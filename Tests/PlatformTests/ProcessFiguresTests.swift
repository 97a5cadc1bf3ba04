import Environment
import Testing

@testable import Platform

@Suite struct ProcessFiguresTests {
    @Test func `memory that is touched shows in the figures`() async {
        // In a process of its own, because other tests take and give memory meanwhile.
        await #expect(processExitsWith: .success) {
            let byteCount = 128 << 20
            let before = ProcessUsage.current()

            let memory = try unsafe PageMemory.map(byteCount: byteCount, usesLargePages: true)
            for offset in stride(from: 0, to: byteCount, by: 4_096) {
                unsafe memory.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
            }
            let during = ProcessUsage.current()
            unsafe PageMemory.unmap(memory, byteCount: byteCount)
            let after = ProcessUsage.current()

            // The kernel counts in batches.
            let most = Int64(byteCount) * 9 / 10
            #expect(during.anonymousBytes - before.anonymousBytes > most)
            #expect(during.anonymousBytes - after.anonymousBytes > most)
            #expect(after.residentBytesPeak > most)
        }
    }

    @Test func `memory that can't be had is an error`() {
        let error = #expect(throws: EnvironmentError.self) {
            _ = try unsafe PageMemory.map(byteCount: Int.max / 2, usesLargePages: false)
        }

        #expect(error?.description.contains("(ENOMEM)") == true)
    }

    @Test func `the peak of memory is kept`() throws {
        let watch = PeakMemoryWatch()
        let byteCount = 16 << 20

        try watch.watch { () throws(EnvironmentError) in
            let memory = try unsafe PageMemory.map(byteCount: byteCount, usesLargePages: false)
            unsafe memory.initializeMemory(as: UInt8.self, repeating: 1, count: byteCount)
            watch.sample()
            unsafe PageMemory.unmap(memory, byteCount: byteCount)
        }

        #expect(watch.anonymousBytesPeak > Int64(byteCount))
    }

    @Test func `processor time and clocks only grow`() {
        let clock = SystemMonotonicClock()
        let usage = ProcessUsage.current()
        let start = clock.now

        var sum = 0
        for number in 0..<100_000 {
            sum &+= number
        }

        #expect(sum > 0)
        #expect(clock.now > start)
        #expect(ProcessUsage.current().processorTime >= usage.processorTime)
        #expect(SystemWallClock().millisecondsSince1970 > 1_600_000_000_000)
        #expect(SystemEntropy().next() != SystemEntropy().next())
    }

    @Test func `some memory is available, but not more than the machine has`() throws {
        let available = try #require(AvailableMemory.bytes())
        let machine = try #require(TextFile.read("/proc/meminfo").flatMap { TextFile.kibibytes("MemTotal", in: $0) })

        #expect(available > 0)
        #expect(available <= machine)
    }

    @Test func `the tightest of nested control groups counts, without its cached files`() {
        let files = [
            "/sys/fs/cgroup/a/b/memory.max": "max\n",
            "/sys/fs/cgroup/a/b/memory.current": "100\n",
            "/sys/fs/cgroup/a/memory.max": "1000\n",
            "/sys/fs/cgroup/a/memory.current": "700\n",
            "/sys/fs/cgroup/a/memory.stat": "anon 600\ninactive_file 50\n",
            "/sys/fs/cgroup/memory.max": "5000\n",
            "/sys/fs/cgroup/memory.current": "900\n",
        ]

        let bytes = AvailableMemory.controlGroupBytes(membership: "0::/a/b\n") { files[$0] }

        #expect(bytes == 350)
    }

    @Test func `control groups of the first version count as well`() {
        let files = [
            "/sys/fs/cgroup/memory/job/memory.limit_in_bytes": "4096\n",
            "/sys/fs/cgroup/memory/job/memory.usage_in_bytes": "96\n",
        ]

        let bytes = AvailableMemory.controlGroupBytes(membership: "5:cpu,cpuacct:/x\n4:memory:/job\n") { files[$0] }

        #expect(bytes == 4_000)
    }

    @Test func `without control groups nothing limits`() {
        #expect(AvailableMemory.controlGroupBytes(membership: "") { _ in nil } == nil)
    }

    @Test func `a terminal has a width even where there is none`() {
        #expect(Terminal.standardOutput().columnCount > 0)
    }
}
