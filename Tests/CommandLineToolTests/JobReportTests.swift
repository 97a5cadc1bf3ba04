import CoordinationCore
import JobService
import Testing

@testable import CommandLineTool

@Suite struct JobReportTests {
    @Test func `a finished job says where its output lies and what it took`() {
        let report = JobReport(summary: .make(), usage: .some)

        #expect(
            report.text == """
                word-count finished in 2 s
                  input     books/*.txt: 1,234,567 records, 824 MB, 412 MB/s
                  output    results/word-count: 43 records, 512 B
                  time      2 s, 3.7 s of CPU
                  memory    at most 96 MiB resident, 40 MiB of it anonymous
                """
        )
    }

    @Test func `spilled bytes and rejected records are named where there are any`() {
        let summary = JobSummary.make(
            spilledBytes: 1_500_000,
            spilledRuns: 12,
            rejectedRecords: 1_007,
            rejectedExamples: (1...6).map { "ledger.csv at byte \($0): no number" }
        )

        let text = JobReport(summary: summary, usage: .some).text

        #expect(
            text.hasSuffix(
                """
                  spilled   1.5 MB in 12 runs
                  rejected  1,007 records:
                            ledger.csv at byte 1: no number
                            ledger.csv at byte 2: no number
                            ledger.csv at byte 3: no number
                            ledger.csv at byte 4: no number
                            ledger.csv at byte 5: no number
                            and 1,002 more
                """
            )
        )
    }

    @Test func `a failed job says why and names no output`() {
        let text = JobReport(summary: .make(state: .failed, failure: "division by zero"), usage: .some).text

        #expect(text.hasPrefix("word-count failed after 2 s: division by zero\n"))
        #expect(!text.contains("output"))
    }

    @Test func `a stream that is stopped says what stays`() {
        var summary = JobSummary.make(state: .cancelled)
        summary.stream = StreamFigures()

        let text = JobReport(summary: summary, usage: .some).text

        #expect(text.hasPrefix("word-count was stopped after 2 s; what it wrote stays, open windows are lost\n"))
        #expect(text.contains("output"))
    }

    @Test func `a cancelled job says that it left nothing`() {
        let text = JobReport(summary: .make(state: .cancelled), usage: .some).text

        #expect(text.hasPrefix("word-count was cancelled after 2 s; it left no output\n"))
    }
}

@Suite struct RunReportTests {
    @Test func `a run is one object with its jobs`() {
        let report = RunReport(
            state: .finished,
            jobs: [.make(rejectedRecords: 1, rejectedExamples: ["bad \"line\""])],
            failure: nil,
            diagnostics: [],
            elapsed: .milliseconds(2_100),
            usage: .some
        )

        #expect(
            report.json.text
                == #"{"state":"finished","jobs":[{"name":"word-count","id":"job-1","state":"finished","#
                + #""input":"books/*.txt","output":"results/word-count","inputBytes":824000000,"#
                + #""inputRecords":1234567,"mappedPairs":9000000,"shuffledRows":86,"shuffledBytes":2752,"#
                + #""reducedKeys":43,"outputRecords":43,"#
                + #""outputBytes":512,"spilledBytes":0,"spilledRuns":0,"rejectedRecords":1,"rejectedExamples":["bad \"line\""],"#
                + #""seconds":2.0,"failure":null}],"seconds":2.1,"cpuSeconds":3.7,"peakResidentBytes":100663296,"#
                + #""peakAnonymousBytes":41943040,"failure":null,"diagnostics":[]}"#
        )
    }

    @Test func `a job that failed carries its reason`() {
        let report = RunReport(
            state: .failed,
            jobs: [.make(state: .failed, failure: "disk full")],
            failure: "word-count failed: disk full",
            diagnostics: [],
            elapsed: .zero,
            usage: .some
        )

        #expect(report.json.text.contains(#""state":"failed","input""#))
        #expect(report.json.text.contains(#""failure":"disk full""#))
        #expect(report.json.text.contains(#""failure":"word-count failed: disk full""#))
    }
}
