import FluentSyntax
import Testing

@testable import JobPlan

struct ProjectionTests {
    @Test func `a map that only reads fields takes them as parameters in order of first use`() throws {
        let plan = try JobText.plan(
            ":map (lambda (event) (when (> (get event :amount) 0) (emit (:user event) (get event \"amount\"))))",
            format: "'json"
        )

        #expect(plan.mapText == "(lambda (amount user) (when (> amount 0) (emit user amount)))")
        #expect(plan.optimised.decode?.fields?.map(\.name) == ["amount", "user"])
        #expect(plan.optimised.rewrite(.projection)?.isApplied == true)
    }

    @Test func `a field with a default knows it, and apart from the field without`() throws {
        let plan = try JobText.plan(
            ":map (lambda (event) (emit (get event :user) (str (get event :n 1) (get event :n))))",
            format: "'json"
        )

        let fields = try #require(plan.optimised.map?.fields)
        #expect(fields.map(\.name) == ["user", "n", "n"])
        #expect(fields.map(\.absentValue) == [.nil, .integer(1), .nil])
    }

    @Test func `the key of the record stays in front of the fields`() throws {
        let plan = try JobText.plan(
            ":map (lambda (offset event) (emit offset (get event :n)))",
            format: "'json"
        )

        #expect(plan.mapText == "(lambda (offset n) (emit offset n))")
        #expect(plan.optimised.map?.takesKey == true)
    }

    @Test func `helpers that read fields are seen through`() throws {
        let plan = try JobText.plan(
            ":map (lambda (event) (emit (user-of event) 1))",
            format: "'json",
            before: "(define (user-of e) (get e :user))"
        )

        #expect(plan.mapText == "(lambda (user) (emit user 1))")
    }

    @Test func `fields read inside of lambdas are captured`() throws {
        let plan = try JobText.plan(
            ":map (lambda (event) (emit 1 (map (lambda (x) (+ x (get event :n))) [1 2])))",
            format: "'json"
        )

        let function = try #require(plan.optimised.map)
        #expect(plan.mapText == "(lambda (n) (emit 1 (map (lambda (x) (+ x n)) [1 2])))")
        #expect(function.closure.lambda.body.innerCaptures == [["n"]])
    }

    @Test(arguments: [
        ("(emit event 1)", 7),
        ("(emit (get-in event [:a :b]) 1)", 15),
        ("(emit (get event (str \"a\" event)) 1)", 12),
        ("(emit (get event :a (now)) 1)", 12),
        ("(emit (count event) 1)", 14),
    ])
    func `a record that is used as a whole stays whole, and the place is named`(body: String, offset: Int) throws {
        let before = "(define-mapreduce job :input (distributed-files \"in\" :format 'json) :output (stdout) :map "
        let job = try JobText("\(before)(lambda (event) \(body)))")
        let plan = PlannedJob(try job.definition(), options: PlanOptions(parallelism: 1))

        let rewrite = try #require(plan.optimised.rewrite(.projection))
        #expect(!rewrite.isApplied)
        #expect(rewrite.reason == "the whole record is used")
        #expect(rewrite.range?.start == (before + "(lambda (event) ").utf8.count + offset - 1)
        #expect(plan.optimised.map?.fields == nil)
    }

    @Test func `csv has fields only with a header`() throws {
        let map = ":map (lambda (row) (emit (get row :a) 1))"

        let with = try JobText.plan(map, format: "(csv :header true)")
        let without = try JobText.plan(map, format: "'csv")

        #expect(with.optimised.decode?.fields?.map(\.name) == ["a"])
        #expect(without.optimised.decode?.fields == nil)
        #expect(without.reason(.projection) == "records of format csv have no named fields")
    }

    @Test func `records that are no maps are given to the map as written`() throws {
        let plan = try JobText.plan(":map (lambda (offset event) (emit (get event :n) 1))", format: "'json")

        let whole = try #require(plan.optimised.map?.whole)
        #expect(ExpressionPrinter().text(whole.closure.lambda) == "(lambda (event) (emit (get event :n) 1))")
        #expect(!whole.takesKey)
    }
}

struct LineElisionTests {
    @Test(arguments: [
        #"(for (w (split line " ")) (emit w 1))"#,
        ##"(for (w (split line #"\s+")) (when (> (count w) 3) (emit (lower w) 1)))"##,
        #"(let ((words (split line ","))) (for (w words) (emit w 1)))"#,
        #"(do (for (w (split line " ")) (emit w 1)) nil)"#,
    ])
    func `one loop over the pieces of a line needs no lines`(body: String) throws {
        let plan = try JobText.plan(":map (lambda (key line) \(body))")

        #expect(plan.optimised.rewrite(.lineElision)?.isApplied == true)
    }

    @Test(arguments: [
        ("(emit line 1)", "the map isn't one loop over (split line …)"),
        (#"(for (w (split line " ")) (emit w line))"#, "the loop also reads what the line as a whole says"),
        (#"(for (w (split line " ")) (emit w key))"#, "the loop also reads what the line as a whole says"),
        (#"(for (w (split line (str key))) (emit w 1))"#, "the separator isn't a constant"),
        (##"(for (w (split (lower line) #"[^a-z]+")) (emit w 1))"##, "the map isn't one loop over (split line …)"),
    ])
    func `anything else needs them, and says why`(body: String, reason: String) throws {
        let plan = try JobText.plan(":map (lambda (key line) \(body))")

        #expect(plan.reason(.lineElision) == reason)
        #expect(plan.optimised.decode?.lines == .perLine)
    }

    @Test func `only text has lines`() throws {
        let plan = try JobText.plan(#":map (lambda (r) (for (w (split r " ")) (emit w 1)))"#, format: "'json")

        #expect(plan.reason(.lineElision) == "records of format json aren't lines of text")
    }
}

extension Expression {
    /// The names that each lambda inside captures.
    fileprivate var innerCaptures: [[String]] {
        var found: [[String]] = []
        if case .lambda(let lambda) = self.kind { found.append(lambda.captured.map(\.name)) }
        self.forEachChild { found += $0.innerCaptures }
        return found
    }
}
