import Foundation
import Testing

/// What several stages of a stream write to one sink: alerts, and what they left out.
@Suite struct StageOutputRunTests {
    private let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
    }

    private func write(_ lines: [String]) throws {
        try self.folder.write(lines.map { $0 + "\n" }.joined(), to: "in/events.jsonl")
    }

    private static func processor(_ steps: String, options: String = "") -> String {
        """
        (define-stream-processor shop
          :source (distributed-files "in/*")
          :sink (distributed-path "out")
          :time :ts
          \(options)
          \(steps))
        """
    }

    @Test(arguments: [1, 3])
    func `every stage that alerts is heard`(parallelism: Int) throws {
        try self.write((0..<500).map { #"{"user":"u\#($0 % 40)","page":"p\#($0 % 7)","ts":\#($0)}"# })
        let steps = """
            (process :user (on-event (lambda (e) (alert "user" (get e :ts)) (emit e))))
            (process :page (on-event (lambda (e) (alert "page" (get e :ts)) (emit e))))
            """
        let program = Self.processor(steps, options: #":alerts (distributed-path "alerts")"#)
        try self.folder.write(program, to: "job.fl")

        let outcome = try self.folder.run("--parallelism", "\(parallelism)")

        #expect(outcome.code == 0, "\(outcome.notes)")
        let alerts = try self.folder.lines(of: "alerts")
        #expect(alerts.count == 1_000)
        for stage in ["user", "page"] {
            let times = alerts.filter { $0.contains(#""arguments":["\#(stage)","#) }
                .compactMap { Int($0.split(separator: ",").last?.prefix { $0.isNumber } ?? "") }
            #expect(times.sorted() == Array(0..<500), "\(stage)")
        }
    }

    @Test func `dead letters have the key, the time and the record of what a keyed stage left out`() throws {
        try self.write([
            #"{"user":"ann","spent":2,"ts":1000}"#, #"{"user":"bob","spent":0,"ts":2000}"#, "not json",
            #"{"user":"eve","spent":5,"ts":3000}"#,
        ])
        let steps = """
            (process :user
              (on-event (lambda (e)
                (set-timer (+ (get e :ts) 10))
                (emit (assoc e :share (/ 10.0 (get e :spent))))))
              (on-timer (lambda (time) (when (= time 3010) (throw "no more")))))
            (map (lambda (e) (if (= (get e :user) "ann") (throw "not ann") e)))
            """
        let options = #":on-error (dead-letter (distributed-path "rejected"))"#
        try self.folder.write(Self.processor(steps, options: options), to: "job.fl")

        let outcome = try self.folder.run("--parallelism", "2")

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines() == [#"{"user":"eve","spent":5,"ts":3000,"share":2.0}"#])
        let letters = try self.folder.lines(of: "rejected")
        #expect(letters.count == 4, "\(letters)")
        let bob = #"{"key":"bob","time":2000,"record":"{\"user\":\"bob\",\"spent\":0,\"ts\":2000}","error":"#
        #expect(letters.contains { $0.hasPrefix(bob) })
        #expect(letters.contains { $0.hasPrefix(#"{"key":"eve","time":3010,"error":"#) && $0.contains("no more") })
        #expect(letters.contains { $0.hasPrefix(#"{"time":1000,"record":"{\"user\":\"ann\""#) })
        #expect(letters.contains { $0.contains(#""record":"not json""#) && $0.contains("in/events.jsonl") })
    }

    @Test func `a window that is left out is a dead letter with its key and bounds`() throws {
        try self.write((0..<5).map { #"{"user":"\#($0 < 3 ? "ann" : "bob")","ts":\#($0)}"# })
        let program = """
            (define-streaming-job counts
              :input (distributed-files "in/*")
              :output (distributed-path "out")
              :format 'json
              :time :ts
              :on-error (dead-letter (distributed-path "rejected"))
              :window (tumbling-window 100)
              :map (lambda (e) (emit (get e :user) 1))
              :reduce (lambda (user ones) (emit user (/ 6.0 (- (sum ones) 3)))))
            """
        try self.folder.write(program, to: "job.fl")

        let outcome = try self.folder.run()

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines() == ["bob\t-6.0"])
        let letters = try self.folder.lines(of: "rejected")
        #expect(letters.count == 1)
        let expected = #"{"key":"ann","window-start":0,"window-end":100,"error":"#
        #expect(letters[0].hasPrefix(expected), "\(letters)")
    }
}
