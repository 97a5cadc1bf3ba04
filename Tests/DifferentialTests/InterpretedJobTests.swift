import FluentSyntax
import Foundation
import ReferenceInterpreter
import Testing

struct InterpretedJobTests {
    private static let root = URL(filePath: #filePath).appending(path: "../../..").standardized

    // Job, the end of its sink's path, and the file of `expected/`.
    @Test(arguments: [
        ("word-count", "word-count", "output.txt"),
        ("word-count-normalised", "word-count-normalised", "output.txt"),
        ("inverted-index", "inverted-index", "output.txt"),
        ("distributed-grep", "distributed-grep", "output.txt"),
        ("access-log", "access-log", "output.txt"),
        ("json-events", "json-events", "output.txt"),
        ("join", "join", "output.txt"),
        ("secondary-sort", "secondary-sort", "output.txt"),
        ("top-words", "top", "top.txt"),
    ])
    func `a golden job gives its expected output`(name: String, sink: String, expected: String) throws {
        let folder = Self.root.appending(path: "jobs/\(name)")
        let bytes = Array(try Data(contentsOf: folder.appending(path: "job.fl")))
        let source = SourceFile(name: "job.fl", bytes: bytes)
        let lines = Array(try Data(contentsOf: folder.appending(path: "expected/\(expected)")))
            .split(separator: UInt8(ascii: "\n")).map { Text(bytes: Array($0)) }

        let job = try InterpretedJob(running: source, in: Self.root)

        let output = job.outputs.first { $0.key.hasSuffix("/" + sink) }?.value ?? []
        #expect(Self.sorted(output) == Self.sorted(lines))
    }

    private static func sorted(_ lines: [Text]) -> [String] {
        lines.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
            .map { String(validating: $0.bytes, as: UTF8.self) ?? "\($0.bytes)" }
    }
}
