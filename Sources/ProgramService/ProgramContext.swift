internal import ConnectorKit
internal import CoordinationCore
internal import CoreTypes
internal import Engine
internal import Environment
internal import FluentSyntax
internal import JobPlan
internal import JobService
internal import Platform
internal import Storage
internal import Synchronization
internal import WorkerService

/// What all parts of a running program share.
final class ProgramContext: Sendable {
    let source: SourceFile
    let options: RunOptions
    let connectors: any ConnectorResolver
    let observer: any RunObserver
    private let jobs = Mutex<[RunningJob]>([])
    private let isCancelled = Atomic<Bool>(false)

    init(
        source: SourceFile,
        options: RunOptions,
        connectors: any ConnectorResolver,
        observer: any RunObserver
    ) {
        self.source = source
        self.options = options
        self.connectors = connectors
        self.observer = observer
    }

    var hasSubmitted: Bool { self.jobs.withLock { !$0.isEmpty } }

    var wasCancelled: Bool { self.isCancelled.load(ordering: .acquiring) }

    /// Stops the jobs that run and any that are submitted later.
    func cancel() {
        self.isCancelled.store(true, ordering: .releasing)
        for job in self.jobs.withLock({ $0 }) { job.cancel() }
    }

    /// Waits for every job; the first that failed, if any.
    func waitForAll() -> JobSummary? {
        let summaries = self.jobs.withLock { $0 }.map { $0.wait() }
        return summaries.first { $0.state != .finished }
    }

    func plan(_ definition: ProgramDefinition) -> ProgramPlan {
        switch definition {
        case .job(let job): .job(self.plan(job))
        case .stream(let stream): .stream(self.plan(stream))
        }
    }

    func plan(_ definition: JobDefinition) -> PlannedJob {
        PlannedJob(definition, options: self.planOptions(memoryBytes: definition.memoryBytes))
    }

    func plan(_ definition: StreamDefinition) -> StreamPlan {
        StreamPlan(definition, options: self.planOptions(memoryBytes: definition.settings.memoryBytes))
    }

    private func planOptions(memoryBytes: Int64?) -> PlanOptions {
        PlanOptions(
            parallelism: self.threadCount,
            memoryBytes: self.memoryBytes(memoryBytes),
            tableBytes: self.options.tableBytes,
            kernelsEnabled: self.options.kernelsEnabled,
            parameters: self.options.parameters
        )
    }

    /// What a job may take that says so much itself, or nothing.
    func memoryBytes(_ own: Int64?) -> Int64 { self.options.memoryBytes ?? own ?? Self.memoryStandardBytes }

    var threadCount: Int { self.options.parallelism ?? Processors.count }

    /// Half of what is available, when nobody says.
    private static let memoryStandardBytes = max((AvailableMemory.bytes() ?? 2 << 30) / 2, 64 << 20)

    /// What one record of a job may cost.
    ///
    /// All threads may work on a large record at once.
    func recordLimits(memoryBytes: Int64) -> MachineLimits {
        let part = max(Int(memoryBytes) / (4 * self.threadCount), Self.recordMemoryMinimum)
        let standard = min(MachineLimits().memoryBytes, part)
        return MachineLimits(
            steps: self.options.recordSteps,
            memoryBytes: self.options.recordMemoryBytes ?? standard
        )
    }

    /// Bytes that a record may always cost, unless somebody says less.
    private static let recordMemoryMinimum = 40 << 20

    /// Plans, compiles and starts a job.
    func start(_ definition: JobDefinition, at range: SourceRange) throws(EvaluationError) -> RunningJob {
        let planned = self.plan(definition)
        if let unset = planned.unsetParameters.first {
            throw EvaluationError(.unsetParameter(name: unset.name), at: unset.range)
        }
        let graph = planned.graph
        let limits = self.recordLimits(memoryBytes: graph.memory.limitBytes)
        let compiled: CompiledJob
        do {
            compiled = try CompiledJob(graph, limits: limits, source: self.source)
        } catch {
            throw EvaluationError(.host(message: error.diagnostic.message), at: error.diagnostic.range)
        }
        let job = LocalJob(
            id: JobID(rawValue: "job-\(self.uuid().prefix(8))"),
            job: compiled,
            endpoints: try self.endpoints(of: definition),
            source: self.source,
            threadCount: self.threadCount,
            note: { [observer] in observer.log(.warning, "job \(definition.name): \($0)") }
        )
        do {
            return self.run(
                try RunningJob(definition.name, definition: definition, job: job, observer: self.observer)
            )
        } catch {
            throw EvaluationError(.host(message: "\(error)"), at: range)
        }
    }

    /// Takes a job on that was started.
    func run(_ running: RunningJob) -> RunningJob {
        self.jobs.withLock { $0.append(running) }
        if self.wasCancelled { running.cancel() }
        return running
    }

    private func endpoints(of definition: JobDefinition) throws(EvaluationError) -> WorkerEndpoints {
        var deadLetters: (any Sink)?
        if case .deadLetter(let call) = definition.onError { deadLetters = try self.sink(call) }
        do {
            let input = definition.input
            return WorkerEndpoints(
                source: try self.connectors.makeSource(input.settings(overwriting: false)),
                sink: try self.sink(definition.output),
                deadLetters: deadLetters,
                spill: self.makeSpillStore()
            )
        } catch let error as ConnectorError {
            throw EvaluationError(.host(message: error.message), at: definition.input.range)
        } catch let error as EvaluationError {
            throw error
        } catch {
            throw EvaluationError(.host(message: "\(error)"), at: definition.input.range)
        }
    }

    private func sink(_ call: ConnectorCall) throws(EvaluationError) -> any Sink {
        do {
            return try self.connectors.makeSink(call.settings(overwriting: self.options.overwritesOutput))
        } catch {
            throw EvaluationError(.host(message: error.message), at: call.range)
        }
    }

    /// Where a job puts what doesn't fit in memory.
    func makeSpillStore() -> any SpillStore {
        DiskSpillStore(disk: LocalDisk(), directory: self.spillDirectory)
    }

    /// Where a stream puts the states of keys that don't fit in memory.
    func makeColdTier() -> any ColdTier {
        RocksTier(scratch: LocalScratchSpace(), directory: self.spillDirectory)
    }

    /// Removes what runs that were killed have left of such states.
    func removeLeftovers() { LocalScratchSpace().removeLeftovers(in: self.spillDirectory) }

    private var spillDirectory: String { self.options.spillDirectory ?? Self.spillDirectory }

    private static var spillDirectory: String { ProcessEnvironment.value("TMPDIR") ?? "/var/tmp" }

    /// A random identifier in the form of RFC 9562, version 4.
    func uuid() -> String {
        let entropy = SystemEntropy()
        let high = entropy.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = entropy.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        let digits = Self.hexadecimal(high) + Self.hexadecimal(low)
        let cuts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
        return cuts.map { String(digits[$0]) }.joined(separator: "-")
    }

    private static func hexadecimal(_ number: UInt64) -> [Character] {
        (0..<16).reversed().map { digit in
            Character(String(number >> UInt64(4 * digit) & 15, radix: 16))
        }
    }
}

extension ConnectorCall {
    /// What the connector gets.
    func settings(overwriting: Bool) -> ConnectorSettings {
        var options: [String: SettingValue] = [:]
        for option in self.options { options[option.name] = SettingValue(option.value) }
        if overwriting, self.name == "distributed-path" { options["overwrite"] = .boolean(true) }
        return ConnectorSettings(name: self.name, arguments: self.arguments.map { SettingValue($0) }, options: options)
    }
}
