internal import CPlatform
package import Environment
private import Glibc
private import Synchronization

/// Threads of the operating system, each on a processor of its own, that run one closure each.
///
/// Thread `i` is pinned to the `i`-th processor that this process may use, round and round where there are more
/// threads. Where pinning isn't permitted the threads run anyway.
///
/// ## Order of calls
/// `init` starts them, `join` waits for them, and so does giving the value up: threads aren't cancelled, their closures
/// must come to an end.
package struct PinnedThreads: ~Copyable {
    /// Stacks of this size are reserved, not used: a page is only taken when it is touched.
    private static let stackBytes = 8 * 1_024 * 1_024

    private let threads: [pthread_t]

    /// Starts `count` threads that run `body` with their index.
    ///
    /// - Parameters:
    ///   - count: At least 1.
    ///   - name: As tools show it, with the index behind it; of at most 12 bytes.
    ///   - isPinned: False lets the kernel place them, for threads that mostly wait.
    ///   - givesWay: Whether threads that work on records come first where there are too few processors for all.
    ///   - body: Must come to an end.
    /// - Throws: A thread can't be made; `body` ran nowhere.
    package init(
        count: Int,
        name: String,
        isPinned: Bool = true,
        givesWay: Bool = false,
        body: @escaping @Sendable (_ index: Int) -> Void
    ) throws(EnvironmentError) {
        let processors = isPinned ? Processors.allowed() : []
        // Closed while threads are being made, so that none runs unless all do: they may wait for each other.
        let gate = StartGate()
        self.threads = try gate.open { () throws(EnvironmentError) in
            var threads: [pthread_t] = []
            for index in 0..<count {
                let start = ThreadStart(
                    name: "\(name)-\(index)",
                    processor: processors.isEmpty ? nil : processors[index % processors.count],
                    givesWay: givesWay,
                    gate: gate,
                    body: { body(index) }
                )
                threads.append(try Self.start(start))
            }
            return threads
        }
    }

    deinit {
        for thread in self.threads {
            pthread_join(thread, nil)
        }
    }

    /// Waits until all closures have ended.
    package consuming func join() {}

    private static func start(_ start: ThreadStart) throws(EnvironmentError) -> pthread_t {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setstacksize(&attributes, Self.stackBytes)
        var thread = pthread_t()
        let argument = unsafe Unmanaged.passRetained(start)
        let code = unsafe pthread_create(
            &thread,
            &attributes,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            },
            argument.toOpaque()
        )
        guard code == 0 else {
            unsafe argument.release()
            throw .system("start the thread '\(start.name)'", code: code)
        }
        return thread
    }
}

/// What a new thread is told.
private final class ThreadStart: Sendable {
    let name: String
    private let processor: Int32?
    private let givesWay: Bool
    private let gate: StartGate
    private let body: @Sendable () -> Void

    /// A thread that gives way gets about a quarter of a processor that another wants as a whole.
    private static let givingWayNice: Int32 = 5

    init(
        name: String,
        processor: Int32?,
        givesWay: Bool,
        gate: StartGate,
        body: @escaping @Sendable () -> Void
    ) {
        self.name = name
        self.processor = processor
        self.givesWay = givesWay
        self.gate = gate
        self.body = body
    }

    func run() {
        unsafe weir_name_current_thread(self.name)
        if let processor = self.processor { weir_pin_current_thread(processor) }
        if self.givesWay { weir_yield_to_other_threads(Self.givingWayNice) }
        if self.gate.waitUntilDecided() { self.body() }
    }
}

/// Holds threads back until it is known whether all of them could be made.
private final class StartGate: Sendable {
    private let isOpen = Mutex(false)

    /// Runs `start`, and lets threads pass once it succeeded.
    func open<Result>(_ start: () throws(EnvironmentError) -> Result) throws(EnvironmentError) -> Result {
        try self.isOpen.withLock { isOpen throws(EnvironmentError) in
            let result = try start()
            isOpen = true
            return result
        }
    }

    func waitUntilDecided() -> Bool {
        self.isOpen.withLock { $0 }
    }
}

/// The processors of the machine.
package enum Processors {
    /// No machine with more is known to the kernel.
    private static let limit = 8_192

    /// Those that this process may use, by number; empty where the kernel doesn't say.
    package static func allowed() -> [Int32] {
        let room = UnsafeMutableBufferPointer<Int32>.allocate(capacity: self.limit)
        defer { unsafe room.deallocate() }
        let count = unsafe weir_allowed_cpus(room.baseAddress, Int32(self.limit))
        guard count > 0 else { return [] }
        return unsafe Array(room[0..<Int(count)])
    }

    /// How many there are, at least one.
    package static var count: Int { max(1, self.allowed().count) }
}
