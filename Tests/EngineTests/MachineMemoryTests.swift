import Engine
import FluentSyntax
import Testing

@Suite struct MachineMemoryTests {
    private static let limits = MachineLimits(memoryBytes: 4 << 20)

    @Test(arguments: [
        ("(reduce (lambda (a x) (max a (count (str \"value \" x)))) 0 values)", "12"),
        ("(reduce (lambda (a x) {:last x :old (get a :last)}) nil values)", "{:last 299999 :old 299998}"),
        ("(fold (lambda (a x) (assoc a (mod x 10) x)) {} values)", nil),
        ("(count (filter (lambda (x) (= 0 (mod x 10000))) values))", "30"),
        ("(let ((f (lambda (k) (lambda (x) (+ x k))))) (reduce (lambda (g x) (f (mod x 7))) inc values) 1)", "1"),
        ("(sum values)", "44999850000"),
        (
            "[(count values) (sum values) (mean values) (min values) (max values) (first values)]",
            "[300000 44999850000 149999.5 0 299999 0]"
        ),
        ("(for-each (lambda (x) [x [x]]) values)", "nil"),
    ])
    func `a giant stream is reduced in little memory`(_ row: (String, String?)) {
        var host = MachineTestHost()
        host.streamed = { $0 < 300_000 ? .integer(Int64($0)) : nil }

        let result = MachineRunner.run(
            "(define values nil) " + row.0,
            limits: Self.limits,
            host: host,
            stream: "values"
        )

        if let expected = row.1 { #expect(result.outcome.description == expected) }
        #expect(result.outcome.description.first != "!")
    }

    @Test func `strings of a stream survive collections`() {
        var host = MachineTestHost()
        host.streamed = { $0 < 200_000 ? .string(Array("some text \($0 * 7919 % 200_000)".utf8)) : nil }

        let result = MachineRunner.run(
            "(define values nil) [(max values) (min values) (count (take 3 values)) (reduce (lambda (a s) (if (< a s) s a)) values)]",
            limits: Self.limits,
            host: host,
            stream: "values"
        )

        #expect(result.outcome.description == "[\"some text 99999\" \"some text 0\" 3 \"some text 99999\"]")
    }

    @Test func `a stream is traversed inside its own traversal`() {
        var host = MachineTestHost()
        host.streamed = { $0 < 4 ? .integer(Int64($0)) : nil }

        let result = MachineRunner.run(
            "(define values nil) (for (a values) (for (b values) (+ (* 10 a) b)))",
            host: host,
            stream: "values"
        )

        #expect(result.outcome.description == "[[0 1 2 3] [10 11 12 13] [20 21 22 23] [30 31 32 33]]")
    }

    @Test func `a string grows in place`() {
        let program = "(count (reduce (lambda (a i) (str a \"0123456789\")) \"\" (range 20000)))"

        let result = MachineRunner.run(program, limits: MachineLimits(memoryBytes: 8 << 20))

        #expect(result.outcome.description == "200000")
    }

    @Test func `lists, maps and closures survive collections`() {
        let program = """
            (define (build n)
              (letrec ((go (lambda (i acc)
                             (if (= i n)
                                 acc
                                 (let ((garbage (range 20)) (k (str "k" (mod i 50))))
                                   (go (inc i) (assoc acc k [i (count garbage) (lambda () (list k i))])))))))
                (go 0 {})))
            (let ((m (build 20000)))
              [(count m) ((last (get m "k7"))) (first (get m "k49"))])
            """

        let result = MachineRunner.run(program, limits: MachineLimits(memoryBytes: 4 << 20))

        #expect(result.outcome.description == "[50 [\"k7\" 19957] 19999]")
    }

    @Test(arguments: ["(sort xs)", "(str xs)", "(= xs ys)", "(hash xs)", "(to-json xs)"])
    func `deep nesting is refused, not a crash`(_ form: String) {
        let program = """
            (define (nest n) (reduce (lambda (a i) [a]) [] (range n)))
            (let ((xs [(nest 100000) (nest 100000)]) (ys [(nest 100000) (nest 100000)])) (if (= 1 1) \(form) [xs ys]))
            """

        let result = MachineRunner.run(program)

        #expect(result.outcome.description == "!invalid-argument")
    }

    @Test(arguments: [
        "(join [t t])", "(format \"%s\" t)", "(trim t)", "(starts-with? t u)", "(ends-with? t u)", "(= t u)", "(< t u)",
        "(<= t u t)", "(parse-int t)", "(re-match #\"x\" t)", "(re-find-all #\"x\" t)", "(first (split t \"x\"))",
        "(for (p (split t #\"x\")) 1)", "(count t)", "(contains? t \"x\")", "(upper t)", "(replace t \"x\" \"y\")",
        "(hash t)", "(str [t])", "(to-json t)", "(substring t 1 2)",
    ])
    func `long text takes steps by its length`(_ form: String) {
        let program = """
            (define (long n) (reduce (lambda (a i) (str a a)) " 123456789 abcde " (range n)))
            (let ((t (long 14)) (u (long 14))) (for-each (lambda (i) \(form)) (range 100000)) [t u])
            """

        let result = MachineRunner.run(program, limits: MachineLimits(steps: 300_000, memoryBytes: 64 << 20))

        #expect(result.outcome.description == "!step-limit")
    }

    @Test(arguments: ["(str xs)", "(hash xs)", "(= xs ys)", "(to-json xs)"])
    func `values shared many times are stopped by a limit`(_ form: String) {
        let program = """
            (define (share n) (reduce (lambda (a i) [a a]) [] (range n)))
            (let ((xs (share 60)) (ys (share 60))) (if (= 1 1) \(form) [xs ys]))
            """

        let result = MachineRunner.run(program, limits: MachineLimits(steps: 1_000_000, memoryBytes: 4 << 20))

        #expect(["!step-limit", "!memory-limit"].contains(result.outcome.description))
    }
}
