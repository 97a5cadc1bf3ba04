import CoordinationCore
import CoreTypes
import Testing

@Suite struct StreamDiagnosisTests {
    private static let now: Int64 = 1_700_000_000_000

    @Test func `a stream that reads, writes and takes checkpoints has nothing amiss`() {
        #expect(StreamDiagnosis(.healthy(Self.now), now: Self.now + 900).verdicts == [.nothingAmiss])
    }

    @Test(arguments: StreamStatus.ailments)
    func `each ailment has its verdict`(_ ailment: StreamStatus.Ailment) {
        var status = StreamStatus.healthy(Self.now)
        ailment.change(&status)

        #expect(StreamDiagnosis(status, now: Self.now + 100).verdicts == ailment.verdicts)
    }

    @Test func `figures that nobody writes any more say only that`() {
        var status = StreamStatus.healthy(Self.now)
        status.warning = "broker away"

        let verdicts = StreamDiagnosis(status, now: Self.now + 60_000).verdicts

        #expect(verdicts == [.notRunning(age: 60_000)])
    }

    @Test func `a stream that has ended is judged by how`() {
        var status = StreamStatus.healthy(Self.now)
        status.state = "failed"

        #expect(StreamDiagnosis(status, now: Self.now + 60_000).verdicts == [.ended(state: "failed")])
    }

    @Test func `what is most urgent is said first`() {
        var status = StreamStatus.healthy(Self.now)
        status.lagRecords = 1_000_000
        status.warning = "can't reach b:9092"
        status.windowPressure = 90

        #expect(
            StreamDiagnosis(status, now: Self.now).verdicts == [
                .brokerAway(reason: "can't reach b:9092"), .slowSink(percent: 90),
                .lag(records: 1_000_000, seconds: 1_000),
            ]
        )
    }
}

@Suite struct StreamStatusTests {
    @Test func `a status can be read from its text`() {
        var status = StreamStatus.healthy(5)
        status.warning = "two\nlines"
        status.watermark = -12

        let read = StreamStatus(parsing: status.text)

        status.warning = "two lines"
        #expect(read == status)
    }

    @Test func `what isn't a status is refused, and what isn't known is passed over`() {
        #expect(StreamStatus(parsing: "") == nil)
        #expect(StreamStatus(parsing: "job a\n") == nil)
        #expect(StreamStatus(parsing: "weir-stream-status 1\njob a\nnew thing\nsilence x\n")?.job == "a")
    }

    @Test(arguments: 0..<UInt64(50))
    func `any bytes are read or refused`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var bytes = Array(StreamStatus.healthy(7).text.utf8)
        for _ in 0..<5 { bytes[random.next(in: 0..<bytes.count)] = UInt8(random.next(in: 0..<256)) }

        let status = StreamStatus(parsing: String(decoding: bytes, as: UTF8.self))

        #expect(
            status == nil || StreamDiagnosis(status ?? StreamStatus(), now: 0).verdicts.isEmpty == false,
            "seed \(seed)"
        )
    }
}

extension StreamStatus {
    struct Ailment: Sendable {
        let verdicts: [StreamDiagnosis.Verdict]
        let change: @Sendable (inout StreamStatus) -> Void

        init(_ verdicts: StreamDiagnosis.Verdict..., change: @escaping @Sendable (inout StreamStatus) -> Void) {
            self.verdicts = verdicts
            self.change = change
        }
    }

    fileprivate static func healthy(_ now: Int64) -> StreamStatus {
        var status = StreamStatus()
        status.job = "clicks"
        status.state = "running"
        status.writtenAt = now
        status.inputRecords = 10_000
        status.inputPerSecond = 1_000
        status.silence = 20
        status.watermark = now - 2_000
        status.watermarkStill = 100
        status.slowestSplit = "clicks/3"
        status.splitCount = 4
        status.idleCount = 0
        status.heldCount = 0
        status.lagRecords = 12
        status.checkpoint = 7
        status.checkpointAge = 4_000
        status.checkpointMilliseconds = 50
        status.checkpointInterval = 10_000
        return status
    }

    fileprivate static let ailments: [Ailment] = [
        Ailment(.stopping) { $0.state = "stopping" },
        Ailment(.brokerAway(reason: "no route")) { $0.warning = "no route" },
        Ailment(.checkpointsFailing(reason: "disk full")) { $0.checkpointProblem = "disk full" },
        Ailment(.checkpointOverdue(age: 40_000)) { $0.checkpointAge = 40_000 },
        Ailment(.checkpointOverdue(age: nil)) {
            $0.checkpoint = nil
            $0.checkpointAge = 40_000
        },
        Ailment(.slowSink(percent: 60)) {
            $0.windowPressure = 60
            $0.sourcePressure = 95
        },
        Ailment(.slowDelivery(milliseconds: 20_000)) { $0.delivering = 20_000 },
        Ailment(.slowWindows(percent: 45)) { $0.sourcePressure = 45 },
        Ailment(.driftLimit(held: 3, split: "clicks/3")) { $0.heldCount = 3 },
        Ailment(.splitHoldsTime("clicks/3", milliseconds: 30_000)) { $0.watermarkStill = 30_000 },
        Ailment(.idleSplits(2, of: 4)) { $0.idleCount = 2 },
        Ailment(.noData(milliseconds: 15_000)) {
            $0.silence = 15_000
            $0.inputPerSecond = 0
            $0.lagRecords = 0
        },
        Ailment(.readingStands(milliseconds: 15_000, lag: 40)) {
            $0.silence = 15_000
            $0.inputPerSecond = 0
            $0.lagRecords = 40
        },
        Ailment(.lag(records: 60_000, seconds: 60)) { $0.lagRecords = 60_000 },
    ]
}
