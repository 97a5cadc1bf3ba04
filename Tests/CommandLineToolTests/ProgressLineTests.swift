import CoordinationCore
import JobService
import Testing

@testable import CommandLineTool

@Suite struct ProgressLineTests {
    static let half = JobSnapshot.make(inputBytes: 630_000_000)

    @Test func `a mapping job shows share, speed and time left`() {
        let line = ProgressLine(Self.half, bytesPerSecond: 412_000_000)

        let bar = line.bar(columnCount: 80)

        #expect(bar == "word-count  map  [==================>           ]  63 %  412 MB/s  ETA 1 s")
    }

    @Test(arguments: 1...140)
    func `a line never reaches the last column`(columnCount: Int) {
        let long = JobSnapshot.make(name: String(repeating: "name-", count: 20), inputBytes: 1, spilledBytes: 5_000)

        let bar = ProgressLine(long, bytesPerSecond: 1_000).bar(columnCount: columnCount)

        #expect(bar.count <= max(1, columnCount - 1))
    }

    @Test(arguments: [
        (60, "word-count  map  [=========>     ]  63 %  412 MB/s  ETA 1 s"),
        (50, "word-count  map  63 %  412 MB/s  ETA 1 s"),
        (36, "word-count  map  63 %  412 MB/s"),
        (24, "word-count  map  63 %"),
        (16, "word-count  map"),
        (8, "word-co"),
    ])
    func `a narrow terminal loses the bar first, then what stands last`(columnCount: Int, text: String) {
        let line = ProgressLine(Self.half, bytesPerSecond: 412_000_000)

        #expect(line.bar(columnCount: columnCount) == text)
    }

    @Test func `a reducing job shows keys and subtasks`() {
        let snapshot = JobSnapshot.make(reducedKeys: 120_000, finished: [(2, of: 2), (3, of: 8)])

        let line = ProgressLine(snapshot, bytesPerSecond: 0)

        #expect(line.plain == "word-count: reduce 37 %, 120 k keys, 3 of 8 subtasks")
    }

    @Test func `a job that only maps keeps mapping to its end`() {
        let snapshot = JobSnapshot.make(inputBytes: 1_000_000_000, finished: [(2, of: 2)])

        #expect(ProgressLine(snapshot, bytesPerSecond: 0).plain == "word-count: map 100 %")
    }

    @Test func `an input of unknown size is counted in records`() {
        let snapshot = JobSnapshot.make(totalBytes: 0, inputRecords: 1_200_000)

        #expect(ProgressLine(snapshot, bytesPerSecond: 5_000_000).plain == "word-count: map, 5 MB/s, 1.2 M records")
    }

    @Test func `what is spilled is said`() {
        let snapshot = JobSnapshot.make(inputBytes: 500_000_000, spilledBytes: 2_500_000)

        #expect(ProgressLine(snapshot, bytesPerSecond: 0).plain == "word-count: map 50 %, 2.5 MB spilled")
    }

    @Test(arguments: [
        (JobState.planned, "starting"), (.finishing, "committing output"), (.restarting, "restarting"),
        (.failing, "stopping"), (.cancelling, "cancelling"),
    ])
    func `a job that doesn't run says what it does instead`(state: JobState, stage: String) {
        let line = ProgressLine(.make(state: state), bytesPerSecond: 0)

        #expect(line.plain == "word-count: \(stage)")
        #expect(line.bar(columnCount: 80) == "word-count  \(stage)")
    }

    @Test func `input that grew while it was read is all of it`() {
        let snapshot = JobSnapshot.make(totalBytes: 10, inputBytes: 20)

        #expect(ProgressLine(snapshot, bytesPerSecond: 5).plain == "word-count: map 100 %, 5 B/s")
    }
}
