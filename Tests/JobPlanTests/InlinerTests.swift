import FluentSyntax
import Testing

@testable import JobPlan

struct InlinerTests {
    @Test func `constant globals are built in`() throws {
        let plan = try JobText.plan(
            ":map (lambda (line) (when (> (count line) limit) (emit line 1)))",
            before: "(define limit 80)"
        )

        #expect(plan.mapText == "(lambda (line) (when (> (count line) 80) (emit line 1)))")
        #expect(plan.optimised.map?.closure.globals.isEmpty == true)
    }

    @Test func `helper functions are built in with their arguments bound in order`() throws {
        let plan = try JobText.plan(
            ":map (lambda (line) (count-word (trim line) 1))",
            before: """
                (define (clean word) (lower word))
                (define (count-word word n) (emit (clean word) n))
                """
        )

        #expect(plan.mapText == "(lambda (line) (let ((word (trim line))) (emit (lower word) 1)))")
        #expect(plan.reason(.inlining) == "map: functions built in: count-word, clean; constants built in: 1")
    }

    @Test func `a function that calls itself stays a call`() throws {
        let plan = try JobText.plan(
            ":map (lambda (line) (emit (shrink line) 1))",
            before: #"(define (shrink s) (if (starts-with? s " ") (shrink (substring s 1)) s))"#
        )

        #expect(plan.mapText == "(lambda (line) (emit (shrink line) 1))")
        #expect(plan.reason(.inlining) == "map: shrink calls itself")
        #expect(plan.optimised.map?.closure.globals.keys.sorted() == ["shrink"])
    }

    @Test func `functions that call each other stay calls`() throws {
        let plan = try JobText.plan(
            ":map (lambda (line) (emit (is-even (count line)) 1))",
            before: """
                (define (is-even n) (if (= n 0) true (is-odd (- n 1))))
                (define (is-odd n) (if (= n 0) false (is-even (- n 1))))
                """
        )

        #expect(plan.mapText == "(lambda (line) (emit (is-even (count line)) 1))")
        #expect(plan.optimised.map?.closure.globals.keys.sorted() == ["is-even", "is-odd"])
    }

    @Test func `an argument with effects is evaluated once, and where it was`() throws {
        let plan = try JobText.plan(
            ":map (lambda (line) (twice (now)))",
            before: "(define (twice x) (emit x x))"
        )

        #expect(plan.mapText == "(lambda (line) (let ((x (now))) (emit x x)))")
    }

    @Test func `a function built in twice binds different variables`() throws {
        let plan = try JobText.plan(
            ":map (lambda (line) (do (each line) (each (lower line))))",
            before: #"(define (each text) (for (w (split text " ")) (emit w 1)))"#
        )

        let body = try #require(plan.optimised.map?.closure.lambda.body)
        let bound = body.allBound
        #expect(bound.count == 3)
        #expect(Set(bound).count == bound.count)
    }

    @Test func `let-bound functions and names of names disappear`() throws {
        let plan = try JobText.plan(
            """
            :map (lambda (line)
              (let ((text line) (one 1) (count-it (lambda (w) (emit w one))))
                (for (w (split text " ")) (count-it w))))
            """
        )

        #expect(plan.mapText == #"(lambda (line) (for (w (split line " ")) (emit w 1)))"#)
    }

    @Test func `for-each over a certain sequence is a loop where its value isn't used`() throws {
        let plan = try JobText.plan(
            #":map (lambda (line) (for-each (lambda (w) (emit w 1)) (split line " ")))"#
        )

        #expect(plan.mapText == #"(lambda (line) (for (w (split line " ")) (emit w 1)))"#)
    }

    @Test func `a helper that is handed to a builtin becomes a lambda`() throws {
        let plan = try JobText.plan(
            #":map (lambda (line) (for (w (map clean (split line " "))) (emit w 1)))"#,
            before: "(define (clean w) (lower (trim w)))"
        )

        #expect(plan.mapText == #"(lambda (line) (for (w (split line " ")) (let ((w (lower (trim w)))) (emit w 1))))"#)
    }

    @Test(arguments: [
        ("(map lower (split line \" \"))", "(let ((w (lower w))) (emit w 1))"),
        ("(filter (lambda (x) (> (count x) 3)) (split line \" \"))", "(when (> (count w) 3) (emit w 1))"),
        (
            "(filter (lambda (x) (not (empty? x))) (map lower (map trim (split line \" \"))))",
            "(let ((w (trim w)) (w (lower w))) (when (not (empty? w)) (emit w 1)))"
        ),
    ])
    func `steps that can't fail are taken into the loop`(sequence: String, body: String) throws {
        let plan = try JobText.plan(":map (lambda (line) (for (w \(sequence)) (emit w 1)))")

        #expect(plan.mapText == "(lambda (line) (for (w (split line \" \")) \(body)))")
        #expect(plan.optimised.rewrite(.lineElision)?.isApplied == true)
    }

    @Test(arguments: [
        (#"(split (lower line) " ")"#, #"(split line " ")"#, "lower"),
        (##"(split (upper line) #"\s+")"##, ##"(split line #"\s+")"##, "upper"),
        (##"(split (lower line) #"[ ,;\t]+")"##, ##"(split line #"[ ,;\t]+")"##, "lower"),
    ])
    func `a change of case that moves no separator happens piece by piece`(
        written: String,
        sequence: String,
        change: String
    ) throws {
        let plan = try JobText.plan(":map (lambda (line) (for (w \(written)) (emit w 1)))")

        #expect(plan.mapText == "(lambda (line) (for (w \(sequence)) (let ((w (\(change) w))) (emit w 1))))")
        #expect(plan.optimised.rewrite(.lineElision)?.isApplied == true)
    }

    @Test(arguments: [
        (#"(split (lower line) "a")"#, "'text"),
        (#"(split (lower line) ".")"#, "'text"),
        (##"(split (lower line) #"[^a-z]+")"##, "'text"),
        (##"(split (lower line) #"\W+")"##, "'text"),
        (#"(split (lower line) " ")"#, "'json"),
        (#"(split (lower (trim line)) (str line))"#, "'text"),
    ])
    func `a change of case that could move one stays where it is`(sequence: String, format: String) throws {
        let plan = try JobText.plan(":map (lambda (line) (for (w \(sequence)) (emit w 1)))", format: format)

        #expect(plan.mapText == "(lambda (line) (for (w \(sequence)) (emit w 1)))")
    }

    @Test(arguments: [
        "(map parse-int (split line \" \"))",
        "(map (lambda (x) (substring x 3)) (split line \" \"))",
        "(filter (lambda (x) (> x 3)) (split line \" \"))",
        "(map lower (get line :words))",
        "(map (lambda (x) (do (emit x 2) x)) (split line \" \"))",
    ])
    func `steps that could fail, or that do something, stay where they are`(sequence: String) throws {
        let plan = try JobText.plan(":map (lambda (line) (for (w \(sequence)) (emit w 1)))")

        #expect(plan.mapText == "(lambda (line) (for (w \(sequence)) (emit w 1)))")
    }

    @Test func `what was captured is built in`() throws {
        let limit = Variable(id: 100, name: "limit")
        let line = WordCount.line
        let test = Expression.make(.builtin(.greater, arguments: [.use(line), .use(limit)]))
        let lambda = Lambda(
            name: "",
            parameters: [line],
            body: test,
            captured: [limit],
            range: SourceRange(start: 0, end: 9)
        )
        let closure = Closure(lambda: lambda, captured: [.integer(7)], globals: [:])

        let result = Inliner.inlined(closure, role: "map", in: Inliner.Context()).closure

        #expect(ExpressionPrinter().text(result.lambda) == "(lambda (line) (> line 7))")
        #expect(result.captured == [])
        #expect(result.lambda.captured == [])
    }

    @Test(arguments: [
        ([String: String]?.none, #"(param "word" "error")"#),
        ([:], #""error""#),
        (["word": "warning"], #""warning""#),
    ])
    func `parameters are built in where they are known`(parameters: [String: String]?, text: String) throws {
        let job = try JobText(
            """
            (define-mapreduce job :input (distributed-files "in") :output (stdout)
              :map (lambda (line) (emit line (param "word" "error"))))
            """
        )
        let options = PlanOptions(parallelism: 1, parameters: parameters)

        #expect(PlannedJob(try job.definition(), options: options).mapText == "(lambda (line) (emit line \(text)))")
    }

    @Test(arguments: [
        ("(+ 1 2 3)", "6"),
        ("(- 5 7)", "-2"),
        ("(* 4 5)", "20"),
        ("(inc 4)", "5"),
        ("(dec 4 2)", "2"),
        ("(+ 9223372036854775807 1)", "(+ 9223372036854775807 1)"),
        ("(/ 1 0)", "(/ 1 0)"),
        ("(< 1 2)", "true"),
        (#"(= "a" "b")"#, "false"),
        (#"(str "a" 1 "b")"#, #""a1b""#),
        ("(if (> 2 1) :yes :no)", ":yes"),
        ("(and 1 record 2)", "(and record 2)"),
        ("(and false record)", "false"),
        ("(or nil record)", "record"),
        ("(or 0 record)", "0"),
        ("[1 (+ 1 1)]", "[1 2]"),
        ("(not nil)", "true"),
    ])
    func `constants are folded where that can't fail`(written: String, folded: String) throws {
        let plan = try JobText.plan(":map (lambda (record) (emit \(written) record))")

        #expect(plan.mapText == "(lambda (record) (emit \(folded) record))")
    }

    @Test func `deep nesting and long chains of helpers plan without running out of stack`() throws {
        let depth = 480
        let nested = String(repeating: "(str 1 ", count: depth) + "line" + String(repeating: ")", count: depth)
        let chain = (0..<400).map { "(define (f\($0) x) (str \($0) (f\($0 + 1) (lower x))))" }.joined(separator: "\n")
        let before = "\(chain)\n(define (f400 x) x)"

        let plan = try JobText.plan(":map (lambda (line) (emit \(nested) (f0 line)))", before: before)

        #expect(plan.reason(.inlining)?.hasPrefix("map: functions built in: f0, f1, ") == true)
        #expect(plan.mapText?.contains("(f\(Inliner.depthLimit) ") == true)
    }

    @Test func `a function too large to build in stays a call`() throws {
        let terms = (0..<300).map { "(count (str s \($0)))" }.joined(separator: " ")
        let plan = try JobText.plan(
            ":map (lambda (line) (emit (huge line) 1))",
            before: "(define (huge s) (+ \(terms)))"
        )

        #expect(plan.mapText == "(lambda (line) (emit (huge line) 1))")
        #expect(plan.reason(.inlining) == "map: huge is too large, or too deep inside of others, to be built in")
    }
}

extension Expression {
    fileprivate var allBound: [Variable] {
        var found = self.boundVariables
        self.forEachChild { found += $0.allBound }
        return found
    }
}
