import Environment
import Synchronization
import Testing

@testable import Platform

@Suite struct PinnedThreadsTests {
    @Test func `each thread runs the closure once with its index`() throws {
        let seen = Mutex<[Int]>([])

        let threads = try PinnedThreads(count: 5, name: "test") { index in
            seen.withLock { $0.append(index) }
        }
        threads.join()

        #expect(seen.withLock { $0.sorted() } == [0, 1, 2, 3, 4])
    }

    @Test func `threads keep to one processor each and have a name`() throws {
        let count = Processors.count
        let seen = Mutex<[Int: String]>([:])

        let threads = try PinnedThreads(count: count, name: "weir-task") { index in
            let status = TextFile.read("/proc/thread-self/status") ?? ""
            seen.withLock { $0[index] = status }
        }
        threads.join()

        let processors = Processors.allowed()
        for (index, status) in seen.withLock({ $0 }) {
            #expect(status.contains("Name:\tweir-task-\(index)\n"))
            #expect(status.contains("Cpus_allowed_list:\t\(processors[index])\n"))
        }
        #expect(seen.withLock { $0.count } == count)
    }

    @Test func `the processors are those of this process`() {
        let processors = Processors.allowed()

        #expect(!processors.isEmpty)
        #expect(processors == processors.sorted())
    }
}
