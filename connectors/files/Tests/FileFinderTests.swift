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

    @Test(arguments: [
        ["a.txt", "year/../a.txt"], ["a.txt", "link.txt"], ["a.txt", "*.txt"],
        ["a.txt", "./year/.././a.txt"],
    ])
    func `a file of several names is read once, under the first`(names: [String]) throws {
        try self.link("link.txt", to: "a.txt")

        let found = try FileFinder.find(names.map(self.directory.file), isRecursive: nil)

        #expect(self.relative(found.files).filter { ["a.txt", "link.txt"].contains($0) } == ["a.txt"])
        #expect(self.relative(found.files).allSatisfy { !$0.contains("..") })
        #expect(found.remarks.count == 1)
        #expect(found.remarks.allSatisfy { $0.contains("stands for the file that is found as") })
    }

    @Test func `hard links are files of their own, each read once`() throws {
        try FileManager.default.linkItem(atPath: self.directory.file("a.txt"), toPath: self.directory.file("hard.txt"))
        try self.link("link.txt", to: "hard.txt")
        let names = ["a.txt", "hard.txt", "year/../hard.txt", "link.txt"]

        let found = try FileFinder.find(names.map(self.directory.file), isRecursive: nil)

        #expect(self.relative(found.files) == ["a.txt", "hard.txt"])
        #expect(found.remarks.count == 1)
    }

    @Test func `the name that is found first stays, whichever it is`() throws {
        try self.link("link.txt", to: "a.txt")

        let found = try FileFinder.files(of: ["link.txt", "a.txt"].map(self.directory.file), isRecursive: nil)

        #expect(self.relative(found) == ["link.txt"])
    }

    @Test func `a file that is named by its link alone is read, without a remark`() throws {
        try self.link("link.txt", to: "a.txt")

        let found = try FileFinder.find([self.directory.file("link.txt")], isRecursive: nil)

        #expect(self.relative(found.files) == ["link.txt"])
        #expect(found.remarks == [])
    }

    @Test func `a relative and an absolute path of one file are one`() throws {
        let working = FileManager.default.currentDirectoryPath
        let upwards = Array(repeating: "..", count: working.split(separator: "/").count).joined(separator: "/")
        let absolute = self.directory.file("b.txt")

        let found = try FileFinder.files(of: [absolute, upwards + absolute], isRecursive: nil)

        #expect(found.map(\.path) == [absolute])
    }

    @Test(arguments: [
        ("empty", Bool?.none, "can't read 'DIR/empty': the directory holds no files;"),
        ("hidden", nil, "names that begin with . or _ don't count"),
        ("year", false, "holds no files of its own, and :recursive false leaves out those below it"),
        ("y*r/2025", nil, "'DIR/year/2025': the directory, which 'DIR/y*r/2025' names, holds no files"),
        ("empty/*", nil, "the directory 'DIR/empty' is empty"),
    ])
    func `a directory without files is said to hold none`(name: String, isRecursive: Bool?, text: String) throws {
        for name in ["empty", "year/2025"] {
            try FileManager.default.createDirectory(
                atPath: self.directory.file(name),
                withIntermediateDirectories: true
            )
        }
        try self.directory.write("x", to: "hidden/_SUCCESS")
        let pattern = self.directory.file(name)

        let error = #expect(throws: ConnectorError.self) {
            try FileFinder.files(of: [pattern], isRecursive: isRecursive)
        }

        let expected = text.replacingOccurrences(of: "DIR", with: self.directory.path)
        #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
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

    private func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: self.directory.file(name),
            withDestinationPath: self.directory.file(target)
        )
    }

    private func relative(_ files: [FileFinder.File]) -> [String] {
        files.map { String($0.path.dropFirst(self.directory.path.count + 1)) }
    }
}
