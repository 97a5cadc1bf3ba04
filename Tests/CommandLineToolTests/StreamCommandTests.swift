import Foundation
import Testing

@testable import CommandLineTool

@Suite struct StreamCommandTests {
    private static let job = """
        (define-streaming-job real-time-analytics
          :input (kafka-stream "events")
          :window (tumbling-window 60000)  ; 1 minute
          :map (lambda (event)
                 (emit (get event :user-id) 1))
          :reduce (lambda (user-id counts)
                    (when (> (sum counts) 100)
                      (alert "High activity" user-id))))

        """

    private static let processor = """
        (define-stream-processor clickstream
          :source (kafka-topic "clicks")
          :sink (kafka-topic "analytics")
          (window (sliding-window 300000)  ; 5 minutes
            (group-by :user-id
              (aggregate
                :count (count)
                :unique-pages (count-distinct :page)
                :duration (sum :time-on-page)))))

        """

    @Test(arguments: [Self.job, Self.processor])
    func `a stream checks and is formatted as it stands`(text: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(text, to: "stream.fl")

        #expect(Invocation("check", path, "-D", "kafka.brokers=localhost:9092").notes == "\(path): ok\n")
        #expect(Invocation("check", path).status == .done)
        #expect(Invocation("fmt", "--check", path).status == .done)
    }

    @Test func `streams are explained beside batch jobs, in the order of the program`() throws {
        let folder = try TemporaryFolder()
        let batch = "(define-mapreduce batch :input (distributed-files \"a\") :output (stdout) :map emit)\n"
        let path = try folder.write(Self.job + batch + Self.processor, to: "stream.fl")

        let call = Invocation("explain", path)

        #expect(call.status == .done)
        let heads = call.results.split(separator: "\n").filter { $0.contains("(\(path):") }
        #expect(
            heads.map { $0.prefix { $0 != "(" } } == [
                "stream real-time-analytics ", "job batch ", "stream clickstream ",
            ]
        )
        #expect(call.results.contains("  reduce (lambda (user-id sum-of-counts) (when (> sum-of-counts 100) "))
        #expect(call.results.contains("  + choose-slide: no slide is given: a window begins every 30 s"))
    }

    @Test func `a stream's plan is JSON that reads, and a graph`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.job, to: "stream.fl")

        let json = Invocation("explain", "--json", path)
        let dot = Invocation("explain", "--dot", path)

        let read = try JSONSerialization.jsonObject(with: Data(json.results.utf8)) as? [[String: Any]]
        #expect(read?.first?["stream"] as? String == "real-time-analytics")
        #expect(dot.results.hasPrefix("digraph \"real-time-analytics\" {\n"))
    }

    @Test func `options of a source may be maps`() throws {
        let folder = try TemporaryFolder()
        let source = "(kafka-stream \"events\" :properties {:fetch.min.bytes 5 :sasl.password \"hunter2\"})"
        let path = try folder.write(Self.job.replacing("(kafka-stream \"events\")", with: source), to: "stream.fl")

        let call = Invocation("explain", path)

        #expect(call.status == .done)
        #expect(call.results.contains(":properties {:fetch.min.bytes 5 :sasl.password ********}"))
    }

    @Test func `values that are wrong are found when the program is explained`() throws {
        let folder = try TemporaryFolder()
        let text = Self.job.replacing("60000", with: "(param \"size\" \"a minute\")")
        let path = try folder.write(text, to: "stream.fl")

        let call = Invocation("explain", path)

        #expect(call.status == .refused)
        #expect(call.notes.contains("\(path):3:11: error[option-value]: the size of tumbling-window needs a time"))
    }
}
