import Engine
import FluentSyntax
import Testing

@Suite struct MachineFormTests {
    @Test(arguments: [
        ("(let ((x 2) (y (* x 3))) (+ x y))", "8"),
        ("(if (< 1 2) \"a\" \"b\")", "\"a\""),
        ("(if 0 1 2)", "1"),
        ("(if nil 1 2)", "2"),
        ("(when false 1)", "nil"),
        ("(cond (false 1) ((= 1 1.0) 2) (else 3))", "2"),
        ("(and 1 2 nil 3)", "nil"),
        ("(and)", "true"),
        ("(or nil false 3 4)", "3"),
        ("(or)", "nil"),
        ("(do 1 2 3)", "3"),
        ("((lambda (x y) (- x y)) 5 3)", "2"),
        ("(let ((a 10)) (let ((f (lambda (x) (+ x a)))) (f 5)))", "15"),
        ("(define (f x) (lambda (y) (+ x y))) ((f 1) 2)", "3"),
        ("(letrec ((even (lambda (n) (if (= n 0) true (odd (- n 1))))) (odd (lambda (n) (if (= n 0) false (even (- n 1)))))) (even 101))", "false"),
        ("(define (f n k) (letrec ((go (lambda (i a) (if (= i 0) (+ a k) (go (- i 1) (+ a 1)))))) (go n 0))) (f 100000 7)", "100007"),
        ("(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2))))) (fib 20)", "6765"),
        ("(for (x [1 2 3]) (* x x))", "[1 4 9]"),
        ("(for (x [1 2] y [10 20]) (+ x y))", "[11 21 12 22]"),
        ("(for (e {:a 1 :b 2}) e)", "[[:a 1] [:b 2]]"),
        ("(for (w (split \"a  b c\" #\"\\s+\")) w)", "[\"a\" \"b\" \"c\"]"),
        ("(for (i (range 3 0 -1)) i)", "[3 2 1]"),
        ("(-> 5 (- 3) (* 2))", "4"),
        ("(->> [1 2 3] (map inc) (filter (lambda (x) (> x 2))))", "[3 4]"),
        ("(match 5 (1 :one) (x (+ x 1)))", "6"),
        ("(match [1 [2 3]] ([a [b c]] (+ a b c)))", "6"),
        ("(match '(add 1 2) ((add a b) (+ a b)) (_ 0))", "3"),
        ("(match {:a 1 :b 2} ({:c c} c) ({:a a} (+ a 10)))", "11"),
        ("(match 7 ((when x (> x 10)) :big) ((when x (> x 5)) :middle) (_ :small))", ":middle"),
        ("(match \"k\" (:k 1) (_ 2))", "1"),
        ("(try (throw 5) (catch e (+ e 1)))", "6"),
        ("(try (/ 1 0) (catch e (get e :error)))", "\"division-by-zero\""),
        ("(try 1 (catch e 2) (finally 3))", "1"),
        ("(try (try (throw 1) (finally (+ 1 1))) (catch e [e]))", "[1]"),
        ("(try (try (throw 1) (catch e (throw 2))) (catch e [e]))", "[2]"),
        ("(define (f x) (try (if (= x 0) (throw \"deep\") (+ 1 (f (- x 1)))) (catch e (throw [e x])))) (try (f 2) (catch e e))", "[[[\"deep\" 0] 1] 2]"),
        ("(:a {:a 1})", "1"),
        ("(:b {:a 1} 7)", "7"),
        ("(map :a [{:a 1} {:a 2}])", "[1 2]"),
        ("{:a (+ 1 1) \"b\" [1 2.0]}", "{:a 2 \"b\" [1 2.0]}"),
        ("{1.0 :x}", "{1 :x}"),
        ("(= + +)", "true"),
    ])
    func `forms have their values`(_ row: (String, String)) {
        #expect(MachineRunner.show(row.0) == row.1)
    }

    @Test(arguments: [
        ("(+ 1 (\"x\" 2))", "!type-mismatch", "(\"x\" 2)"),
        ("(+ 1 (* 2 \"x\"))", "!type-mismatch", "(* 2 \"x\")"),
        ("(match 3 (1 2))", "!no-match", "(match 3 (1 2))"),
        ("(for (x 5) x)", "!type-mismatch", "(for (x 5) x)"),
        ("(map (lambda (x) (quot x 0)) [1])", "!division-by-zero", "(quot x 0)"),
        ("(map inc [\"a\"])", "!type-mismatch", "(map inc [\"a\"])"),
        ("(let ((f inc)) (map f [\"a\"]))", "!type-mismatch", "(map f [\"a\"])"),
        ("(apply map (list inc [\"a\"]))", "!type-mismatch", "(apply map (list inc [\"a\"]))"),
        ("(map (lambda (x y) x) [1])", "!argument-count", "(map (lambda (x y) x) [1])"),
        ("(map 5 [1])", "!type-mismatch", "(map 5 [1])"),
        ("(throw {:a 1})", "!thrown", "(throw {:a 1})"),
        ("(try (throw 1) (finally (quot 1 0)))", "!division-by-zero", "(quot 1 0)"),
        ("(try (quot 1 0) (finally 1))", "!division-by-zero", "(quot 1 0)"),
        ("(define (f n) (+ 1 (f n))) (f 1)", "!call-depth-limit", "(f n)"),
        ("(define (f n) (f n)) (f 1)", "!step-limit", "(f n)"),
        ("(define (f s) (f (str s s))) (f \"0123456789\")", "!memory-limit", "(str s s)"),
        ("(try ((lambda (n) (for (i (range 1000000)) (for (j (range 1000000)) 1))) 1) (catch e 1))", "!step-limit", nil),
    ])
    func `failures have their code and place`(_ row: (String, String, String?)) {
        let limits = MachineLimits(steps: 1_000_000, memoryBytes: 8 << 20)

        let result = MachineRunner.run(row.0, limits: limits)

        #expect(result.outcome.description == row.1)
        if let range = row.2 { #expect(result.rangeText == range) }
    }
}
