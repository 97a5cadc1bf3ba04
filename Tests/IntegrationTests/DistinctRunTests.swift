import CoreTypes
import Testing

/// Exact distinct counts of values that hardly ever repeat, which reading subtasks ship without looking for repeats, and of
/// values that do.
@Suite struct DistinctRunTests {
    private let folder: TemporaryFolder
    private static let size = 40_000
    private static let slide = 10_000

    init() throws {
        self.folder = try TemporaryFolder()
    }

    private struct Visit {
        let user: Int
        let page: Int
        let time: Int

        var line: String {
            #"{"user":"u\#(self.user)","page":"/a/page/with/a/long/name/\#(self.page)","t":\#(self.time)}"#
        }
    }

    /// `pageCount` of some slices, in turn: few pages repeat often, many hardly ever.
    private static func visits(pageCounts: [Int], seed: UInt64) -> [Visit] {
        var random = SplitMix64(seed: seed)
        return (0..<24_000).map { number in
            let time = number * 10
            let pageCount = pageCounts[time / (4 * self.slide) % pageCounts.count]
            return Visit(user: random.next(in: 0..<20), page: random.next(in: 0..<pageCount), time: time)
        }
    }

    private static func results(_ visits: [Visit]) -> [String] {
        var pages: [[Int]: Set<Int>] = [:]
        for visit in visits {
            let first = visit.time / self.slide * self.slide + self.slide
            for end in stride(from: first, to: first + self.size, by: self.slide) {
                pages[[visit.user, end], default: []].insert(visit.page)
            }
        }
        let lines = pages.map { place, pages in
            #"{"user":"u\#(place[0])","pages":\#(pages.count),"window-start":\#(place[1] - self.size),"#
                + #""window-end":\#(place[1])}"#
        }
        return lines.sorted()
    }

    @Test(arguments: ["1", "2"], [[100_000], [30, 100_000], [30]])
    func `distinct values are counted exactly, whether they repeat or not`(
        parallelism: String,
        pageCounts: [Int]
    ) throws {
        let visits = Self.visits(pageCounts: pageCounts, seed: 7)
        for part in 0..<4 {
            let share = stride(from: part, to: visits.count, by: 4).map { visits[$0].line }
            try self.folder.write(share.joined(separator: "\n"), to: "in/\(part).jsonl")
        }
        let program = """
            (define-stream-processor visits
              :source (distributed-files "in/*") :sink (distributed-path "out")
              :time (lambda (e) (get e :t))
              :watermark (bounded-out-of-orderness 100)
              (window (sliding-window \(Self.size) \(Self.slide))
                (group-by :user (aggregate :pages (count-distinct :page)))))
            """
        try self.folder.write(program, to: "job.fl")

        let outcome = try self.folder.run("--parallelism", parallelism)

        #expect(outcome.code == 0, "\(outcome.notes)")
        #expect(try self.folder.lines() == Self.results(visits))
    }
}
