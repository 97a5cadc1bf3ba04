import Foundation
import Testing

/// What a reduce may do with the sequence of its values beside folding it.
@Suite struct ReducedValuesTests {
    private let folder: TemporaryFolder

    init() throws {
        self.folder = try TemporaryFolder()
        try self.folder.write("a 1\nb 2\na 3\n", to: "in/pairs")
    }

    private func lines(reduce: String, _ options: String...) throws -> [String] {
        try self.folder.writeJob(
            map: #"(emit (first (split line " ")) (last (split line " ")))"#,
            reduce: reduce
        )
        let outcome = try WeirProcess(["run", "job.fl"] + options, in: self.folder).wait()
        #expect(outcome.code == 0, "\(outcome.notes)")
        return try self.folder.lines()
    }

    @Test(arguments: [
        ("(emit key values)", #"["1","3"]"#, #"["2"]"#),
        ("(let ((all values)) (do (count all) (emit key all)))", #"["1","3"]"#, #"["2"]"#),
        ("(emit key [values (count values)])", #"[["1","3"],2]"#, #"[["2"],1]"#),
        ("(emit key {:all values})", #"{"all":["1","3"]}"#, #"{"all":["2"]}"#),
        ("(emit key (str [values]))", #"[["1" "3"]]"#, #"[["2"]]"#),
        (#"(emit key (match values ([x] "one") (_ "many")))"#, "many", "one"),
        (#"(emit key (if (= values ["2"]) "two" "others"))"#, "others", "two"),
        ("(emit key (for (x [1 2]) values))", #"[["1","3"],["1","3"]]"#, #"[["2"],["2"]]"#),
    ])
    func `values are a list wherever they are kept, compared or written`(reduce: String, a: String, b: String) throws {
        for options in [[], ["--no-kernels"]] {
            try? FileManager.default.removeItem(atPath: self.folder.file("out"))
            #expect(try self.lines(reduce: reduce, options.first ?? "--quiet") == ["a\t\(a)", "b\t\(b)"])
        }
    }

    @Test(arguments: ["(emit key inc)", "(emit key #\"a\")", "(emit key [1 inc])", "(emit {:f inc} 1)"])
    func `what can't be written is refused where it is emitted`(reduce: String) throws {
        try self.folder.writeJob(map: #"(emit (first (split line " ")) 1)"#, reduce: reduce)

        let outcome = try self.folder.run()

        #expect(outcome.code == 2)
        expect(outcome.notes, contains: ["which emit can't hand on", reduce])
        #expect(self.folder.isWithoutOutput)
    }

    @Test func `a file whose name isn't UTF-8 is in nobody's way unless it is asked for`() throws {
        let script = "touch \"$(printf 'in/b\\377.bin')\""
        let made = Process()
        made.executableURL = URL(fileURLWithPath: "/bin/sh")
        made.arguments = ["-c", script]
        made.currentDirectoryURL = URL(fileURLWithPath: self.folder.file("."))
        try made.run()
        made.waitUntilExit()
        try self.folder.writeJob(map: "(emit 1 1)", input: "in/pa*")
        let others = try self.folder.run()
        try self.folder.writeJob(map: "(emit 1 1)", input: "in/*")
        let all = try self.folder.run("--overwrite")

        #expect(others.code == 0, "\(others.notes)")
        #expect(all.code == 1)
        expect(all.notes, contains: ["in/b", "isn't UTF-8", "rename"])
    }
}
