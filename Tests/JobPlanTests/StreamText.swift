import FluentSyntax

@testable import JobPlan

/// Streams written as programs.
enum StreamText {
    /// The specification's streaming job.
    static let realTimeAnalytics = """
        (define-streaming-job real-time-analytics
          :input (kafka-stream "events")
          :window (tumbling-window 60000)  ; 1 minute
          
          :map (lambda (event)
                 (emit (get event :user-id) 1))
          
          :reduce (lambda (user-id counts)
                    (when (> (sum counts) 100)
                      (alert "High activity" user-id))))
        """

    /// The specification's stream processor.
    static let clickstream = """
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

    /// A streaming job with these options besides a source and a window.
    static func job(_ options: String, before: String = "", window: String = "(tumbling-window 1000)") throws -> JobText
    {
        try JobText(
            "\(before) (define-streaming-job job :input (kafka-stream \"events\") :window \(window) \(options))"
        )
    }

    static func plan(_ options: String, before: String = "") throws -> StreamPlan {
        try self.job(options, before: before).streamPlan()
    }

    /// A processor with these clauses before its window, its key and its aggregates.
    static func processor(
        steps: String = "",
        key: String = ":user",
        _ aggregates: String = ":n (count)",
        before: String = ""
    ) throws -> JobText {
        try JobText(
            """
            \(before)
            (define-stream-processor processor :source (kafka-topic "clicks") \(steps)
              (window (tumbling-window 1000) (group-by \(key) (aggregate \(aggregates)))))
            """
        )
    }
}

extension StreamPlan {
    var mapText: String { ExpressionPrinter().text(self.map.closure.lambda) }

    /// The reduce as a program would write it.
    var reduceText: String {
        switch self.reduce {
        case nil: ""
        case .general(let closure): ExpressionPrinter().text(closure.lambda)
        case .aggregates(_, let result): ExpressionPrinter().text(result.lambda)
        }
    }

    /// `sum 0`, `count`; nil for a general reduce.
    var aggregateTexts: [String]? {
        guard case .aggregates(let aggregates, _) = self.reduce else { return nil }
        return aggregates.map { $0.function.name + ($0.column.map { " \($0)" } ?? "") }
    }

    func rewrite(_ name: Rewrite.Name) -> Rewrite? { self.rewrites.first { $0.name == name } }
}
