import FluentSyntax
import Testing

@testable import JobPlan

struct StreamExplanationTests {
    private static func explain(_ text: String) throws -> StreamExplanation {
        let job = try JobText(text)
        return StreamExplanation(try job.streamPlan(), source: job.source)
    }

    @Test func `every step of the specification's processor is shown`() throws {
        let text = try Self.explain(StreamText.clickstream).text

        let optimised = text.components(behind: "optimised plan\n", before: "\n\nrewrites")
        #expect(
            optimised == """
                  source (kafka-topic "clicks")
                  decode json, fields user-id, page, time-on-page
                  time as the source gives it
                  watermark as far behind as the source is known for, idle after 10 s
                  map (lambda (user-id page time-on-page) (emit user-id [page time-on-page]))
                  shuffle by key, ships 2 values
                  window sliding, 5 min, one every 30 s
                  trigger at the end, at each late record
                  reduce (lambda (group count unique-pages duration) (emit group {:user-id group :count count \
                :unique-pages unique-pages :duration duration :window-start (window-start) :window-end (window-end)})) \
                over count, count-distinct of value 0, sum of value 1
                  format text
                  sink (kafka-topic "analytics")
                """
        )
        #expect(text.contains("  + choose-slide: no slide is given: a window begins every 30 s, a tenth of the size\n"))
    }

    @Test func `settings are shown in words, side outputs too`() throws {
        let text = try Self.explain(
            """
            (define-streaming-job job :input (kafka-stream "events" :sasl-password "hunter2")
              :window (session-window "30 min") :time :ts :watermark (bounded-out-of-orderness 1500)
              :allowed-lateness "1 h" :trigger (trigger :early "10 s" :early-count 5 :late 'gathered)
              :late (kafka-topic "late") :alerts (kafka-topic "alerts") :on-error 'skip
              :map (lambda (e) (emit (get e :user) 1)))
            """
        ).text

        #expect(text.contains("stream job (job.fl:1:1)\n  on error: skip\n"))
        #expect(text.contains("  time (lambda (ts) ts)\n"))
        #expect(text.contains("  watermark 1500 ms behind the newest event time, idle after 10 s\n"))
        #expect(text.contains("  window session, ended by 30 min without a record, kept 1 h for late records\n"))
        #expect(
            text.contains(
                "  trigger every 10 s before the end, every 5 records before the end, at the end, "
                    + "for late records together\n"
            )
        )
        #expect(text.contains("  sink (stdout)\n  late (kafka-topic \"late\")\n  alerts (kafka-topic \"alerts\")\n"))
        #expect(!text.contains("hunter2"))
    }

    @Test func `the JSON form has the plans and the rewrites with places`() throws {
        guard case .object(let members) = try Self.explain(StreamText.realTimeAnalytics).json else {
            Issue.record("the explanation is an object")
            return
        }

        #expect(
            members.map(\.name) == ["stream", "place", "on-error", "logical", "optimised", "rewrites", "columns"]
        )
    }

    @Test func `the DOT form has a chain of steps with the shuffle and side outputs`() throws {
        let dot = try Self.explain(
            """
            (define-streaming-job job :input (kafka-stream "events") :window (global-window) :late (kafka-topic "l")
              :map (lambda (e) (emit (get e :user) 1)))
            """
        ).dot

        #expect(dot.contains("\"job/source\" -> \"job/decode\";"))
        #expect(dot.contains("\"job/shuffle\" -> \"job/window\" [style=bold, label=\"hash\"];"))
        #expect(dot.contains("\"job/window\" -> \"job/late\" [style=dashed];"))
        #expect(dot.hasPrefix("digraph \"job\" {\n") && dot.hasSuffix("}\n"))
    }
}

extension String {
    /// The text between two others.
    fileprivate func components(behind start: String, before end: String) -> String? {
        guard let head = self.firstRange(of: start) else { return nil }
        guard let tail = self[head.upperBound...].firstRange(of: end) else { return nil }
        return String(self[head.upperBound..<tail.lowerBound])
    }
}
