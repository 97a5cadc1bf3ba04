import CoordinationCore
import JobService
import Testing

@testable import CommandLineTool

@Suite struct StreamViewTests {
    private static func view(_ change: (inout StreamFigures) -> Void = { _ in }) -> StreamView {
        var figures = StreamFigures()
        figures.status.state = "running"
        figures.status.writtenAt = 1_700_000_002_000
        figures.status.inputRecords = 1_250_000
        figures.status.inputPerSecond = 412_000
        figures.status.outputRecords = 120_000
        figures.status.outputPerSecond = 1_200
        figures.status.watermark = 1_700_000_000_000
        figures.status.slowestSplit = "clicks/3"
        figures.status.splitCount = 4
        figures.status.lagRecords = 12_000
        figures.status.sourcePressure = 12
        figures.status.windowPressure = 0
        figures.status.checkpointInterval = 10_000
        figures.status.checkpoint = 12
        figures.status.checkpointAge = 3_000
        figures.status.checkpointBytes = 1_200_000
        figures.status.checkpointMilliseconds = 40
        figures.stateBytes = 5_000_000
        figures.stateKeys = 40_000
        change(&figures)
        let snapshot = JobSnapshot.make(name: "clickstream", elapsed: .seconds(12))
        return StreamView(snapshot, figures, bytesPerSecond: 41_000_000)
    }

    @Test func `a stream shows what goes in and out, its time, its pressure and its checkpoint`() {
        let lines = Self.view().lines.map(\.text)

        #expect(
            lines == [
                "clickstream  running  12 s",
                "  in          1.25 M records, 412 k a second, 41 MB/s",
                "  out         120 k records, 1.2 k a second",
                "  time        2023-11-14T22:13:20Z, 2 s behind the clock; clicks/3 is last",
                "  splits      4, 12 k records to read",
                "  windows     40 k keys, 5 MB",
                "  held back   reading [##........] 12 %  windows [..........] 0 %",
                "  checkpoint  12, 3 s ago, 1.2 MB, took 40 ms",
            ]
        )
    }

    @Test func `what is wrong comes last, as a warning`() {
        let lines = Self.view { figures in
            figures.status.lateRecords = 3
            figures.status.rejectedRecords = 1
            figures.status.warning = "b:9092: connection refused"
        }.lines

        let warnings = lines.filter(\.isWarning).map(\.text)
        #expect(warnings == ["  problems    3 late, 1 rejected", "  b:9092: connection refused"])
        #expect(lines.suffix(2).map(\.isWarning) == [true, true])
    }

    @Test(arguments: [1, 2, 20, 40, 80, 200])
    func `no line reaches the last column`(columnCount: Int) {
        let lines = Self.view { $0.status.warning = String(repeating: "long ", count: 100) }
            .lines(columnCount: columnCount, usesColor: false)

        #expect(lines.allSatisfy { $0.count <= max(1, columnCount - 1) })
    }

    @Test func `colour is used only where it is wanted`() {
        let view = Self.view { $0.status.warning = "slow" }

        #expect(view.lines(columnCount: 80, usesColor: true).last == "\u{1B}[33m  slow\u{1B}[0m")
        #expect(view.lines(columnCount: 80, usesColor: false).allSatisfy { !$0.contains("\u{1B}") })
    }

    @Test func `a stream that knows no time and has no state directory says so or leaves it out`() {
        let lines = Self.view { figures in
            figures.status.watermark = nil
            figures.status.slowestSplit = nil
            figures.status.checkpointInterval = nil
        }.lines.map(\.text)

        #expect(lines.contains("  time        none yet"))
        #expect(!lines.contains { $0.contains("checkpoint") })
    }

    @Test func `the figures of programs have the same members always`() {
        let full = StreamStatusReport(StreamStatus()).json.text

        #expect(full.hasPrefix(#"{"job":"","state":"","warning":null,"checkpointProblem":null,"slowestSplit":null,"#))
        #expect(full.hasSuffix(#""checkpointInterval":null,"delivering":null,"recoveryMilliseconds":null}"#))
    }
}

@Suite struct VerdictTextTests {
    @Test func `a diagnosis names the stream and says each verdict on a line`() {
        var status = StreamStatus()
        status.job = "clicks"
        status.state = "running"
        status.writtenAt = 1_000
        status.idleCount = 1
        status.splitCount = 4
        status.silence = 12_000

        let text = StreamStatusReport(status).text(now: 1_500)

        #expect(
            text == """
                clicks: running
                  1 of 4 splits are idle: they have nothing new, and don't hold event time back
                  nothing has come for 12 s: the source has nothing new
                """
        )
    }

    @Test func `every verdict has a text that ends without a full stop`() {
        let verdicts: [StreamDiagnosis.Verdict] = [
            .notRunning(age: 60_000), .ended(state: "failed"), .stopping, .brokerAway(reason: "b"),
            .checkpointsFailing(reason: "disk full"), .checkpointOverdue(age: 1), .checkpointOverdue(age: nil),
            .slowSink(percent: 50), .slowDelivery(milliseconds: 20_000), .slowWindows(percent: 40),
            .driftLimit(held: 1, split: nil), .splitHoldsTime("a/1", milliseconds: 12_000), .idleSplits(1, of: 2),
            .noData(milliseconds: 1), .readingStands(milliseconds: 1, lag: 2), .lag(records: 5, seconds: nil),
            .nothingAmiss,
        ]

        let texts = verdicts.map { StreamStatusReport.text(of: $0) }

        #expect(Set(texts).count == verdicts.count)
        #expect(texts.allSatisfy { !$0.isEmpty && $0.last != "." })
    }
}
