import Testing

/// Jobs whose combiner isn't the aggregate of their reduce: it changes what is shuffled, and never the result.
@Suite struct CombinerRunTests {
    private let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
    }

    /// Joins summaries `[lowest highest count total]`.
    private static let joined = """
        (define (joined summaries)
          (reduce (lambda (a b)
                    [(min (nth a 0) (nth b 0)) (max (nth a 1) (nth b 1))
                     (+ (nth a 2) (nth b 2)) (+ (nth a 3) (nth b 3))])
                  summaries))
        """
    private static let summaryMap =
        #"(let ((fields (split line " ")) (n (parse-int (nth fields 1)))) (emit (nth fields 0) [n n 1 n]))"#
    private static let numberMap =
        #"(let ((fields (split line " "))) (emit (nth fields 0) (parse-int (nth fields 1))))"#

    /// Lets a reduce that isn't recognised as an aggregate see its values.
    private static let sumByHand = "(emit key (reduce + 0 values))"

    private func writeSummary(combiner: String) throws {
        try self.folder.writeJob(
            map: Self.summaryMap,
            reduce: #"(emit key (join " " (joined values)))"#,
            options: combiner,
            definitions: Self.joined,
            sink: ":overwrite true"
        )
    }

    @Test func `a lambda combiner gives the same result at any parallelism and memory, of far fewer rows`() throws {
        try self.writePairs(count: 60_000, keyCount: 500)
        try self.writeSummary(combiner: "")
        let plain = try self.folder.summary("--parallelism", "2")
        let expected = try self.folder.lines()

        try self.writeSummary(combiner: ":combiner joined")
        for options in ["--parallelism 1", "--parallelism 4", "--parallelism 4 --memory 16MiB"] {
            let combined = try self.folder.summary(options.split(separator: " ").map(String.init))

            #expect(try self.folder.lines() == expected, "\(options)")
            #expect(combined.mappedPairs == 60_000)
            #expect(combined.shuffledRows < 60_000 / 10, "\(options): \(combined.shuffledRows)")
            #expect(combined.shuffledBytes < plain.shuffledBytes / 10, "\(options): \(combined.shuffledBytes)")
        }
        #expect(expected.count == 500)
        #expect(expected.contains(Self.expectedSummary(of: 7, count: 60_000, keyCount: 500)))
        #expect(plain.shuffledRows == 60_000)
    }

    @Test func `a lambda combiner and spilling give the same result as neither`() throws {
        try self.writePairs(count: 150_000, keyCount: 60_000)
        try self.writeSummary(combiner: "")
        try self.folder.summary("--parallelism", "2", "--memory", "1GiB")
        let expected = try self.folder.lines()

        for combiner in ["", ":combiner joined"] {
            try self.writeSummary(combiner: combiner)
            let spilled = try self.folder.summary("--parallelism", "2", "--memory", "16MiB")

            #expect(spilled.spilledBytes > 0, "with '\(combiner)'")
            #expect(try self.folder.lines() == expected, "with '\(combiner)'")
        }
        #expect(expected.count == 60_000)
    }

    @Test(arguments: ["sum", "first"])
    func `a builtin combiner runs before a reduce that walks over its values`(combiner: String) throws {
        let isSum = combiner == "sum"
        try self.writePairs(count: 20_000, keyCount: 100)
        let map = isSum ? Self.numberMap : #"(emit (nth (split line " ") 0) 1)"#
        let reduce = isSum ? Self.sumByHand : "(emit key (reduce * 1 values))"
        try self.folder.writeJob(map: map, reduce: reduce, sink: ":overwrite true")
        let plain = try self.folder.summary()
        let expected = try self.folder.lines()

        try self.folder.writeJob(map: map, reduce: reduce, options: ":combiner \(combiner)", sink: ":overwrite true")
        let combined = try self.folder.summary()
        let machined = try self.folder.summary("--no-kernels")

        #expect(try self.folder.lines() == expected)
        #expect(plain.shuffledRows == 20_000)
        #expect(combined.shuffledRows < 1_000)
        #expect(machined.shuffledRows == combined.shuffledRows)
    }

    @Test func `what a builtin can't combine reaches the reduce as it is`() throws {
        try self.folder.write("a 1\na x\nb 2\na 3\nb 5\n", to: "in/text")
        let map = #"""
            (let ((fields (split line " ")))
              (emit (nth fields 0) (if (= (nth fields 1) "x") "x" (parse-int (nth fields 1)))))
            """#
        try self.folder.writeJob(
            map: map,
            reduce: "(do (emit key (count (filter string? values))) (emit key (sum (filter number? values))))",
            options: ":combiner sum"
        )

        try self.folder.summary()

        #expect(try self.folder.lines() == ["a\t1", "a\t4", "b\t0", "b\t7"])
    }

    @Test func `a combiner that fails ends the job with its place`() throws {
        try self.folder.write("a 1\na 2\n", to: "in/text")
        try self.folder.writeJob(
            map: Self.numberMap,
            reduce: Self.sumByHand,
            options: ":combiner (lambda (values) (quot (reduce + values) 0))"
        )

        let outcome = try self.folder.run()

        #expect(outcome.code == 1)
        expect(
            outcome.notes,
            contains: ["job.fl:7:", "error[division-by-zero]", "(quot (reduce + values) 0)", "the values of key a"]
        )
        #expect(self.folder.isWithoutOutput)
    }

    @Test(arguments: ["'skip", #"(dead-letter (distributed-path "rejected"))"#])
    func `where records may fail, values of a combiner that fails aren't lost`(policy: String) throws {
        try self.folder.write("a 1\na 2\nb 3\nb 4\n", to: "in/text")
        try self.folder.writeJob(
            map: Self.numberMap,
            reduce: Self.sumByHand,
            options: ":on-error \(policy) :combiner (lambda (values) (quot (reduce + values) 0))"
        )

        let job = try self.folder.summary()

        #expect(try self.folder.lines() == ["a\t3", "b\t7"])
        #expect(job.rejectedRecords == 0)
    }

    // MARK: Input

    /// Lines `key number`, the keys in turn.
    private func writePairs(count: Int, keyCount: Int) throws {
        var text = ""
        for number in 0..<count { text += "key\(number % keyCount) \(number * 7 % 10_007 - 5_000)\n" }
        try self.folder.write(text, to: "in/text")
    }

    private static func expectedSummary(of key: Int, count: Int, keyCount: Int) -> String {
        let numbers = stride(from: key, to: count, by: keyCount).map { $0 * 7 % 10_007 - 5_000 }
        let bounds = (numbers.min() ?? 0, numbers.max() ?? 0)
        return "key\(key)\t\(bounds.0) \(bounds.1) \(numbers.count) \(numbers.reduce(0, +))"
    }
}
