import ConnectorKit
import Foundation
import Testing

@testable import FilesConnector

@Suite struct FileFinderTests {
    private let directory = TemporaryDirectory()

    init() throws {
        for name in [
            "a.txt", "b.txt", "c.csv", "a[1].txt", ".hidden", "_SUCCESS", "ä.txt",
            "year/2023/x.txt", "year/2024/x.txt", "year/2024/y.txt", "year/2024/_temporary/z.txt",
        ] {
            try self.directory.write(name, to: name)
        }
    }

    @Test(arguments: [
        ("*.txt", ["a.txt", "a[1].txt", "b.txt", "ä.txt"]),
        ("?.txt", ["a.txt", "b.txt", "ä.txt"]),
        ("[ab].txt", ["a.txt", "b.txt"]),
        ("[!a].txt", ["b.txt", "ä.txt"]),
        ("[^a].txt", ["b.txt", "ä.txt"]),
        ("[a-c].*", ["a.txt", "b.txt", "c.csv"]),
        ("a[1].txt", ["a[1].txt"]),
        ("a[[]1].txt", ["a[1].txt"]),
        ("a\\[1].txt", ["a[1].txt"]),
        ("*", ["a.txt", "a[1].txt", "b.txt", "c.csv", "ä.txt"]),
        ("_*", ["_SUCCESS"]),
        (".h*", [".hidden"]),
        ("year/*/x.txt", ["year/2023/x.txt", "year/2024/x.txt"]),
        ("year/202[34]/?.txt", ["year/2023/x.txt", "year/2024/x.txt", "year/2024/y.txt"]),
        ("**/x.txt", ["year/2023/x.txt", "year/2024/x.txt"]),
        ("**/*.csv", ["c.csv"]),
        ("year/**", ["year/2023/x.txt", "year/2024/x.txt", "year/2024/y.txt"]),
        ("year/**/2024/*", ["year/2024/x.txt", "year/2024/y.txt"]),
        ("year", ["year/2023/x.txt", "year/2024/x.txt", "year/2024/y.txt"]),
        ("./year//2023/", ["year/2023/x.txt"]),
        ("year/2024/_temporary/*", ["year/2024/_temporary/z.txt"]),
    ])
    func `a pattern finds these files`(pattern: String, expected: [String]) throws {
        let found = try FileFinder.files(of: [self.directory.file(pattern)], isRecursive: nil)

        #expect(self.relative(found) == expected.sorted())
    }

    @Test func `files that several patterns find come once, sorted`() throws {
        let patterns = ["b.txt", "*.txt", "./a.txt"].map(self.directory.file)

        let found = try FileFinder.files(of: patterns, isRecursive: nil)

        #expect(self.relative(found) == ["a.txt", "a[1].txt", "b.txt", "ä.txt"].sorted())
        #expect(found.map(\.size) == self.relative(found).map { Int64($0.utf8.count) })
    }

    @Test func `directories of a wildcard are passed over, or read if the program says so`() throws {
        let passed = try FileFinder.files(of: [self.directory.file("*")], isRecursive: nil)
        let all = try FileFinder.files(of: [self.directory.file("*")], isRecursive: true)

        #expect(!self.relative(passed).contains("year/2023/x.txt"))
        #expect(self.relative(all).contains("year/2023/x.txt"))
    }

    @Test func `a directory without those below it has only its own files`() throws {
        let found = try FileFinder.files(of: [self.directory.path], isRecursive: false)

        #expect(self.relative(found) == ["a.txt", "a[1].txt", "b.txt", "c.csv", "ä.txt"].sorted())
    }

    @Test func `links to files are followed, and links to directories don't run in circles`() throws {
        let manager = FileManager.default
        try manager.createSymbolicLink(
            atPath: self.directory.file("year/link.txt"),
            withDestinationPath: self.directory.file("a.txt")
        )
        try manager.createSymbolicLink(
            atPath: self.directory.file("year/2023/loop"),
            withDestinationPath: self.directory.file("year")
        )

        let found = try FileFinder.files(of: [self.directory.file("year")], isRecursive: true)
        let deep = try FileFinder.files(of: [self.directory.file("year/**/*.txt")], isRecursive: nil)

        let expected = ["year/2023/x.txt", "year/2024/x.txt", "year/2024/y.txt", "year/link.txt"]
        #expect(self.relative(found) == expected)
        #expect(self.relative(deep) == expected)
    }

    @Test func `nothing found names the pattern and the nearest directory`() {
        let pattern = self.directory.file("year/2025/*.txt")

        let error = #expect(throws: ConnectorError.self) { try FileFinder.files(of: [pattern], isRecursive: nil) }

        #expect(
            error?.message
                == "no file matches '\(pattern)': '\(self.directory.file("year/2025"))' isn't a directory; the nearest "
                + "existing one is '\(self.directory.file("year"))'; check the path"
        )
        #expect(error?.domain == .user)
    }

    @Test func `a pattern that matches directories only says how to read them`() {
        let pattern = self.directory.file("year/*")

        let error = #expect(throws: ConnectorError.self) { try FileFinder.files(of: [pattern], isRecursive: nil) }

        #expect(error?.message.contains("only directories (such as '\(self.directory.file("year/2023"))')") == true)
        #expect(error?.message.contains(":recursive true") == true)
    }

    @Test(arguments: [(Bool?.none, true), (false, false), (true, false)])
    func `directories that are passed over are told of, unless the program says how to treat them`(
        isRecursive: Bool?,
        isTold: Bool
    ) throws {
        let pattern = self.directory.file("*")

        let remarks = try FileFinder.find([pattern], isRecursive: isRecursive).remarks

        #expect(remarks.count == (isTold ? 1 : 0))
        #expect(remarks.allSatisfy { $0.contains("'\(pattern)' matches ") && $0.contains("which ") })
        #expect(remarks.allSatisfy { $0.contains(":recursive true") })
    }

    @Test func `one pattern without a file is an error even if others have some`() {
        let patterns = ["a.txt", "nothing.txt"].map(self.directory.file)

        #expect(throws: ConnectorError.self) { try FileFinder.files(of: patterns, isRecursive: nil) }
    }

    @Test func `a link to nowhere is an error`() throws {
        try FileManager.default.createSymbolicLink(
            atPath: self.directory.file("year/2023/dangling"),
            withDestinationPath: "/no/such/file"
        )

        #expect(throws: ConnectorError.self) {
            try FileFinder.files(of: [self.directory.file("year")], isRecursive: nil)
        }
    }

    @Test func `stars that could match in many ways take no time`() {
        let name = String(repeating: "a", count: 5_000)
        guard case .wildcard(let tokens)? = GlobPattern("*a*a*a*a*a*a*a*a*b").components.first else {
            Issue.record("no wildcard")
            return
        }

        #expect(!GlobPattern.matches(name, tokens))
        #expect(GlobPattern.matches(name + "b", tokens))
    }

    private func relative(_ files: [FileFinder.File]) -> [String] {
        files.map { String($0.path.dropFirst(self.directory.path.count + 1)) }
    }
}
