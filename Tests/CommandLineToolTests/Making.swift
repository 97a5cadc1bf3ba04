import CoreTypes
import Foundation
import Synchronization

@testable import CommandLineTool
@testable import CoordinationCore
@testable import JobService

/// Keeps what is written.
final class RecordedStreams: OutputStreams {
    private let written = Mutex<(results: [UInt8], notes: [UInt8])>(([], []))

    /// What writing results throws, if it does.
    let failure: OutputFailure?

    init(failure: OutputFailure? = nil) {
        self.failure = failure
    }

    var results: String { self.written.withLock { String(decoding: $0.results, as: UTF8.self) } }
    var notes: String { self.written.withLock { String(decoding: $0.notes, as: UTF8.self) } }

    func write(_ bytes: [UInt8], to stream: OutputChannel) throws(OutputFailure) {
        if stream == .results, let failure = self.failure { throw failure }
        self.written.withLock { written in
            switch stream {
            case .results: written.results += bytes
            case .notes: written.notes += bytes
            }
        }
    }
}

struct FixedShape: ConsoleShape {
    var isResultsTerminal = false
    var isNotesTerminal = false
    var columnCount = 80
}

/// What one call of the command line did.
struct Invocation {
    let status: CommandStatus
    let results: String
    let notes: String

    init(_ arguments: String...) { self.init(arguments) }

    init(_ arguments: [String]) {
        let streams = RecordedStreams()
        let console = Console(streams: streams, shape: FixedShape())
        self.status = CommandLineProgram.run(arguments, console: console)
        self.results = streams.results
        self.notes = streams.notes
    }
}

extension JobSnapshot {
    static func make(
        name: String = "word-count",
        state: JobState = .running,
        totalBytes: Int64 = 1_000_000_000,
        inputBytes: Int64 = 0,
        inputRecords: Int64 = 0,
        reducedKeys: Int64 = 0,
        spilledBytes: Int64 = 0,
        finished: [(Int, of: Int)] = [(0, of: 2), (0, of: 8)],
        elapsed: Duration = .seconds(1)
    ) -> JobSnapshot {
        let stages = finished.map { finished, count in
            JobProgress.StageProgress(subtaskCount: count, runningCount: count - finished, finishedCount: finished)
        }
        return JobSnapshot(
            id: JobID(rawValue: "job-1"),
            name: name,
            state: state,
            totalBytes: totalBytes,
            inputBytes: inputBytes,
            inputRecords: inputRecords,
            mappedPairs: 0,
            reducedKeys: reducedKeys,
            outputRecords: 0,
            spilledBytes: spilledBytes,
            progress: JobProgress(
                splitCount: 1,
                finishedSplitCount: 0,
                weightBytes: totalBytes,
                finishedWeightBytes: inputBytes,
                stages: stages,
                restartCount: 0
            ),
            elapsed: elapsed
        )
    }
}

extension JobSummary {
    static func make(
        state: JobState = .finished,
        failure: String = "",
        isReaderGone: Bool = false,
        spilledBytes: Int64 = 0,
        spilledRuns: Int64 = 0,
        rejectedRecords: Int64 = 0,
        rejectedExamples: [String] = []
    ) -> JobSummary {
        JobSummary(
            id: JobID(rawValue: "job-1"),
            name: "word-count",
            state: state,
            failure: failure,
            isReaderGone: isReaderGone,
            input: "books/*.txt",
            output: "results/word-count",
            inputBytes: 824_000_000,
            inputRecords: 1_234_567,
            mappedPairs: 9_000_000,
            shuffledRows: 86,
            shuffledBytes: 2_752,
            reducedKeys: 43,
            outputRecords: 43,
            outputBytes: 512,
            spilledBytes: spilledBytes,
            spilledRuns: spilledRuns,
            rejectedRecords: rejectedRecords,
            rejectedExamples: rejectedExamples,
            elapsed: .milliseconds(2_000)
        )
    }
}

extension RunUsage {
    static let some = RunUsage(
        processorTime: .milliseconds(3_700),
        residentBytesPeak: 96 << 20,
        anonymousBytesPeak: 40 << 20
    )
}

/// A folder that goes away with its owner.
final class TemporaryFolder {
    let path: String

    init() throws {
        self.path = FileManager.default.temporaryDirectory.appending(path: "weir-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
    }

    deinit {
        // What stays is the machine's to clean up.
        try? FileManager.default.removeItem(atPath: self.path)
    }

    /// Writes a file and gives its path.
    func write(_ text: String, to name: String) throws -> String {
        let path = "\(self.path)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(self.path)/\(name)")), as: UTF8.self)
    }

    var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: self.path).sorted() }
    }
}

/// Counts calls, from 1.
final class StepCounter: Sendable {
    private let count = Mutex<Int64>(0)

    func next() -> Int64 {
        self.count.withLock { count in
            count += 1
            return count
        }
    }
}
