import Engine
import FluentSyntax
import Testing

@Suite struct MachineClosureTests {
    @Test(arguments: [
        ("(lambda (key line) (for (word (split line #\"\\s+\")) (emit word 1)))", ["\"a\" 1", "\"b\" 1", "\"c,d\" 1"]),
        ("(lambda (key line) (for (word (split line \",\")) (emit word key)))", ["\" a  b c\" 7", "\"d \" 7"]),
        (
            "(lambda (key line) (map (lambda (w) (emit (upper w) (count w))) (split line #\"[ ,]+\")))",
            ["\"A\" 1", "\"B\" 1", "\"C\" 1", "\"D\" 1"]
        ),
        ("(lambda (line) (emit :line (trim line)))", [":line \"a  b c,d\""]),
        ("(lambda (key line) (emit [key] {:n (+ key 1)}))", ["[7] {:n 8}"]),
    ])
    func `a lambda emits`(_ row: (String, [String])) throws {
        let (program, function, count) = try MachineRunner.compileMap(row.0)
        var machine = Machine(program: program, host: MachineTestHost())
        var arena = Arena(limitBytes: 1 << 20)
        let line = arena.text(.string, " a  b c,d ")

        for _ in 0..<2 {
            machine.beginRecord()
            _ = count == 1 ? try machine.call(function, line) : try machine.call(function, Value(Int64(7)), line)
        }

        #expect(machine.host.emitted == row.1 + row.1)
    }

    @Test func `a captured lambda travels with its globals`() throws {
        let text = """
            (define base 100)
            (define (even n) (if (= n 0) true (odd (- n 1))))
            (define (odd n) (if (= n 0) false (even (- n 1))))
            (define (make k) (lambda (n) [(+ base k n) (even n) #"x+"]))
            (make 5)
            """
        let source = SourceFile(name: "test.fl", text: text)
        let checked = Frontend.check(source)
        var compiler = ProgramCompiler()
        let forms = try compiler.add(try #require(checked.program))
        var first = Machine(program: compiler.finish(), host: MachineTestHost())
        var last = Value.nil
        for case .expression(let function, _, _) in forms { last = try first.call(function) }
        guard case .function(let closure) = try first.export(last, at: SourceRange(start: 0, end: 0)) else {
            Issue.record("the value is a function")
            return
        }

        var other = ProgramCompiler()
        let function = try other.add(closure)
        var second = Machine(program: other.finish(), host: MachineTestHost())
        let result = try second.call(function, Value(Int64(3)))

        #expect(closure.globals.keys.sorted() == ["base", "even", "make", "odd"])
        #expect(result.shown == "[108 false #\"x+\"]")
    }

    @Test func `a builtin is called like a lambda`() throws {
        var compiler = ProgramCompiler()
        let sum = try compiler.add(function: .builtin(.sum), argumentCount: 1, at: SourceRange(start: 3, end: 6))
        var machine = Machine(program: compiler.finish(), host: MachineTestHost())
        var arena = Arena(limitBytes: 1 << 20)
        let list = arena.pair(Value(Int64(1)), Value(Int64(2)))

        let result = try machine.call(sum, list)

        #expect(result.integer == 3)
    }

    @Test func `after a failure the machine goes on`() throws {
        let (program, function, _) = try MachineRunner.compileMap("(lambda (key line) (emit (quot 10 key) line))")
        var machine = Machine(program: program, host: MachineTestHost())

        #expect(throws: EvaluationError.self) { try machine.call(function, Value(Int64(0)), .nil) }
        machine.beginRecord()
        _ = try machine.call(function, Value(Int64(5)), .nil)

        #expect(machine.host.emitted == ["2 nil"])
    }

    @Test func `a bad regex is a diagnostic`() throws {
        let text = "(define f (lambda (x) (split x #\"(\")))"
        let program = try #require(Frontend.check(SourceFile(name: "test.fl", text: text)).program)
        var compiler = ProgramCompiler()

        let error = #expect(throws: CompilationError.self) { try compiler.add(program) }

        #expect(error?.diagnostic.code == "bad-regex")
    }
}
