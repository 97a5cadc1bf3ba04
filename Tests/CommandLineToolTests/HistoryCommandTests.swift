import Foundation
import Testing

@testable import CommandLineTool

/// `weir history`, on files as clients of other stores record them.
@Suite struct HistoryCommandTests {
    private static let write = #"""
        {"process": 1, "type": "invoke", "f": "write", "key": "x", "value": 1}
        {"process": 1, "type": "ok", "f": "write", "key": "x", "value": 1}

        """#

    private static let swap = #"""
        {"process": 2, "type": "invoke", "f": "cas", "key": "x", "value": [1, "two"]}
        {"process": 2, "type": "ok", "f": "cas", "key": "x", "value": [1, "two"]}

        """#

    private static func read(_ value: String, by process: Int = 3) -> String {
        #"""
        {"process": \#(process), "type": "invoke", "f": "read", "key": "x", "value": null}
        {"process": \#(process), "type": "ok", "f": "read", "key": "x", "value": \#(value)}

        """#
    }

    private func judge(_ text: String, _ options: String...) throws -> Invocation {
        let folder = try TemporaryFolder()
        let path = try folder.write(text, to: "history.jsonl")
        return Invocation(["history", path] + options)
    }

    @Test func `what one copy could have answered is linearizable`() throws {
        let call = try self.judge(Self.read("null") + Self.write + Self.swap + Self.read(#""two""#))

        #expect(call.status == .done)
        #expect(call.results == "linearizable: 4 operations on 1 key\n")
        #expect(call.notes.isEmpty)
    }

    @Test func `a stale read is shown with what it contradicts, by its lines`() throws {
        let call = try self.judge(Self.write + Self.swap + Self.read("1"))

        #expect(call.status == .failed)
        #expect(
            call.results == """
                not linearizable: 3 operations on 1 key; of key "x" no order explains these 3
                  lines 1 to 2: process 1 writes 1
                  lines 3 to 4: process 2 sets "two" for 1
                  lines 5 to 6: process 3 reads 1

                """
        )
    }

    @Test func `the failing part is an object a program can read`() throws {
        let call = try self.judge(Self.write + Self.read("null"), "--json")

        #expect(call.status == .failed)
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(call.results.utf8)) as? [String: Any]
        )
        #expect(object["verdict"] as? String == "not-linearizable")
        let part = try #require(object["part"] as? [[String: Any]])
        #expect(part.map { $0["f"] as? String } == ["write", "read"])
        #expect(part.map { $0["key"] as? String } == ["x", "x"])
        #expect(part.map { $0["invoked"] as? Int } == [1, 3])
        #expect(part.map { $0["returned"] as? Int } == [2, 4])
        #expect(part[1]["value"] is NSNull)
    }

    /// The first may have taken effect or not, the second certainly hasn't.
    @Test func `an operation without an answer may have an effect, and one that failed has none`() throws {
        let open = #"{"process": 7, "type": "invoke", "f": "write", "key": "x", "value": 9}"# + "\n"
        let told = open + #"{"process": 7, "type": "info", "f": "write", "key": "x", "value": 9}"# + "\n"
        let failed = open + #"{"process": 7, "type": "fail", "f": "write", "key": "x", "value": 9}"# + "\n"

        #expect(try self.judge(open + Self.read("9")).status == .done)
        #expect(try self.judge(told + Self.read("null") + Self.read("9")).status == .done)
        #expect(try self.judge(failed + Self.read("null")).status == .done)
        #expect(try self.judge(failed + Self.read("9")).status == .failed)
    }

    @Test func `other keys, processes and functions don't disturb`() throws {
        let other = #"""
            {"process": "nemesis", "type": "info", "f": "partition", "value": ["n1"]}
            {"process": 4, "type": "invoke", "f": "write", "key": "y", "value": 5}

            """#

        let call = try self.judge(other + Self.write + Self.read("1", by: 5))

        #expect(call.status == .done)
        #expect(call.results == "linearizable: 3 operations on 2 keys\n")
    }

    @Test(arguments: [
        ("{", "line 1: byte 1 of the JSON text"), ("[1]", "line 1: expected an object"),
        (#"{"type": "ok", "f": "read"}"#, #"line 1: expected a field "process""#),
        (#"{"process": 1, "f": "read"}"#, #"line 1: expected a field "type""#),
        (#"{"process": 1, "type": "ok"}"#, #"line 1: expected a field "f""#),
        (#"{"process": 1, "type": "ok", "f": "read"}"#, "line 1: process 1 is answered without having asked"),
        (#"{"process": 1, "type": "invoke", "f": "cas", "value": 3}"#, "to be [expected, new]"),
        (
            """
            {"process": 1, "type": "invoke", "f": "read", "key": 1}
            {"process": 1, "type": "ok", "f": "read", "key": 2}
            """,
            "line 2: process 1 is answered a read of key 2, and asked for a read of key 1 in line 1"
        ),
    ])
    func `a line that can't be understood is named`(text: String, problem: String) throws {
        let call = try self.judge(text)

        #expect(call.status == .refused)
        #expect(call.notes.contains(problem), "\(call.notes)")
    }

    @Test func `a search that is given up says that nothing is known`() throws {
        let writes = (0..<30).map {
            #"{"process": \#($0), "type": "invoke", "f": "write", "key": 0, "value": \#($0)}"# + "\n"
        }
        let reads = (0..<6).map {
            #"""
            {"process": "r\#($0)", "type": "invoke", "f": "read", "key": 0}
            {"process": "r\#($0)", "type": "ok", "f": "read", "key": 0, "value": \#($0 % 3)}

            """#
        }

        let call = try self.judge((writes + reads).joined(), "--steps", "10")

        #expect(call.status == .undecided)
        #expect(call.results.hasPrefix("unknown: "))
        #expect(call.results.contains("--steps"))
    }

    @Test func `a line longer than any record of a client is refused`() throws {
        let call = try self.judge(String(repeating: " ", count: HistoryFile.lineLimit + 300_000) + "\n")

        #expect(call.status == .refused)
        #expect(call.notes.contains("has a line of more than"))
    }
}
