import Foundation
import Testing

@testable import CommandLineTool

@Suite struct CheckCommandTests {
    @Test func `a clean program is ok`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("(println 1)\n", to: "a.fl")

        let call = Invocation("check", path)

        #expect(call.status == .done)
        #expect(call.notes == "\(path): ok\n")
        #expect(call.results.isEmpty)
    }

    @Test func `nothing is said of clean programs when quiet`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("(println 1)\n", to: "a.fl")

        #expect(Invocation("check", "--quiet", path).notes.isEmpty)
    }

    @Test func `all files are checked and all errors shown`() throws {
        let folder = try TemporaryFolder()
        let wrong = try folder.write("(prinln 1)\n(foo-bar 2)\n", to: "wrong.fl")
        let right = try folder.write("(println 1)\n", to: "right.fl")

        let call = Invocation("check", wrong, "\(folder.path)/none.fl", right)

        #expect(call.status == .refused)
        #expect(call.notes.contains("\(wrong):1:2: error[unknown-name]"))
        #expect(call.notes.contains("\(wrong):2:2: error[unknown-name]"))
        #expect(call.notes.contains("can't read the program '\(folder.path)/none.fl': No such file or directory"))
        #expect(call.notes.hasSuffix("\(right): ok\n"))
    }

    @Test func `what a run would miss is told, unless it is given`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            """
            (define-stream-processor copies
              :source (kafka-topic "a" :from 'committed)
              :sink (kafka-topic "b" :brokers "localhost:9092"))

            """,
            to: "a.fl"
        )

        let call = Invocation("check", path)
        let given = Invocation("check", path, "-D", "kafka.brokers=localhost:9092", "-D", "kafka.group.id=copies")

        #expect(call.status == .done)
        #expect(call.notes.contains("\(path):2:11: warning[missing-option]: kafka-topic doesn't know its brokers"))
        #expect(call.notes.contains("-D kafka.brokers=host:port"))
        #expect(call.notes.contains(":from 'committed, and names none"))
        #expect(!call.notes.contains("\(path):3:"))
        #expect(given.status == .done)
        #expect(given.notes == "\(path): ok\n")
    }

    @Test(arguments: [
        "(distributed-files \"a\" :format 'json)", "(union (kafka-topic \"a\" :brokers \"b:1\") (generate))", "files",
    ])
    func `a stream of records without times must say where they are`(source: String) throws {
        let folder = try TemporaryFolder()
        let text = """
            (define files (distributed-files "b" :format 'json))
            (define-stream-processor copies :source \(source) TIME :sink (stdout))

            """
        let without = try folder.write(text.replacing("TIME", with: ""), to: "without.fl")
        let with = try folder.write(text.replacing("TIME", with: ":time :ts"), to: "with.fl")

        let call = Invocation("check", without)

        #expect(call.status == .refused)
        #expect(call.notes.contains("error[missing-option]"))
        #expect(call.notes.contains("gives its records no time, and the stream doesn't say where it is"))
        #expect(Invocation("check", with).status == .done)
    }

    @Test func `a wrong regular expression is found without a run`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("(println 1)\n(println (re-match #\"(\" \"a\"))\n", to: "a.fl")

        let call = Invocation("check", path)

        #expect(call.status == .refused)
        #expect(call.notes.contains("\(path):2:20: error[bad-regex]"))
    }

    @Test func `programs get one array of all diagnostics`() throws {
        let folder = try TemporaryFolder()
        let first = try folder.write("(prinln 1)\n", to: "first.fl")
        let second = try folder.write("(prinln 2)\n", to: "second.fl")

        let call = Invocation("check", "--json", first, second)

        let read = try JSONSerialization.jsonObject(with: Data(call.results.utf8)) as? [[String: Any]]
        #expect(call.status == .refused)
        #expect(read?.map { $0["file"] as? String } == [first, second])
        #expect(read?.first?["line"] as? Int == 1)
        #expect(call.notes.isEmpty)
    }

    @Test func `bytes that aren't UTF-8 are an error at their place`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/a.fl"
        try Data([0x28, 0xFF, 0x29, 0x0A]).write(to: URL(filePath: path))

        let call = Invocation("check", path)

        #expect(call.status == .refused)
        #expect(call.notes.contains("\(path):1:2: error[invalid-utf8]"))
    }

    @Test func `a parameter needs one of the programs that are checked`() throws {
        let folder = try TemporaryFolder()
        let first = try folder.write("(println (param \"input\" 1))\n", to: "first.fl")
        let second = try folder.write("(println (param \"output\" 1))\n", to: "second.fl")

        let right = Invocation("check", first, second, "-D", "input=a", "-D", "output=b")
        let wrong = Invocation("check", first, second, "-D", "inputs=a")
        let unknown = Invocation("check", first, "\(folder.path)/none.fl", "-D", "inputs=a")

        #expect(right.status == .done)
        #expect(wrong.status == .refused)
        #expect(wrong.notes.contains("nothing in these programs reads (param \"inputs\"); did you mean 'input'?"))
        #expect(!unknown.notes.contains("inputs"))
    }

    @Test func `a directory names the job in it`() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write("(println 1)\n", to: "job.fl")

        let call = Invocation("check", folder.path)

        #expect(call.status == .refused)
        #expect(
            call.notes
                == "error: can't read the program '\(folder.path)': it is a directory; "
                + "did you mean '\(folder.path)/job.fl'?\n"
        )
    }

    @Test func `a file larger than any program is refused`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(String(repeating: ";", count: ProgramFile.bytesLimit + 1), to: "big.fl")

        let call = Invocation("check", path)

        #expect(call.status == .refused)
        #expect(call.notes.contains("it is larger than 16 MiB"))
    }

    @Test func `running a program that doesn't check is refused`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("(prinln 1)\n", to: "a.fl")

        let call = Invocation("run", "--json", path)

        let read = try JSONSerialization.jsonObject(with: Data(call.results.utf8)) as? [String: Any]
        #expect(call.status == .refused)
        #expect(read?["state"] as? String == "refused")
        #expect((read?["diagnostics"] as? [Any])?.count == 1)
        #expect(call.notes.contains("error[unknown-name]"))
    }
}

@Suite struct FormatCommandTests {
    static let ragged = "(define   x\n1)\n"
    static let neat = "(define x\n  1)\n"

    @Test func `files are changed in place and named`() throws {
        let folder = try TemporaryFolder()
        let ragged = try folder.write(Self.ragged, to: "ragged.fl")
        let neat = try folder.write(Self.neat, to: "neat.fl")

        let call = Invocation("fmt", ragged, neat)

        #expect(call.status == .done)
        #expect(call.results == "\(ragged)\n")
        #expect(try folder.read("ragged.fl") == Self.neat)
        #expect(try folder.names == ["neat.fl", "ragged.fl"])
    }

    @Test func `checking changes nothing`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.ragged, to: "a.fl")

        let call = Invocation("fmt", "--check", path)

        #expect(call.status == .failed)
        #expect(call.results == "\(path)\n")
        #expect(try folder.read("a.fl") == Self.ragged)
    }

    @Test func `a file that doesn't read is left alone and the others aren't`() throws {
        let folder = try TemporaryFolder()
        let broken = try folder.write("(define   x", to: "broken.fl")
        let ragged = try folder.write(Self.ragged, to: "ragged.fl")

        let call = Invocation("fmt", broken, ragged)

        #expect(call.status == .refused)
        #expect(call.notes.contains("\(broken):1:"))
        #expect(try folder.read("broken.fl") == "(define   x")
        #expect(try folder.read("ragged.fl") == Self.neat)
    }

    @Test func `permissions survive`() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.ragged, to: "a.fl")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)

        _ = Invocation("fmt", path)

        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o640)
    }

    @Test func `a link stays a link`() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write(Self.ragged, to: "target.fl")
        let link = "\(folder.path)/link.fl"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "target.fl")

        let call = Invocation("fmt", link)

        #expect(call.status == .done)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "target.fl")
        #expect(try folder.read("target.fl") == Self.neat)
    }
}
