import Foundation
import Synchronization

/// A text file of the repository.
struct SourceFile: Sendable, CustomStringConvertible {
    /// From the repository's root.
    let path: String
    let lines: [SourceLine]

    var description: String { self.path }

    /// The repository.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The Swift files below some folders, in the order of their paths; a folder that isn't there holds none.
    static func swift(in folders: [String]) throws -> [SourceFile] {
        try self.paths(in: folders).filter { $0.hasSuffix(".swift") }.map(self.read)
    }

    /// Files that were read before, by path: many rules look at the same ones.
    private static let known = Mutex<[String: SourceFile]>([:])

    private static func read(_ path: String) throws -> SourceFile {
        if let file = self.known.withLock({ $0[path] }) { return file }
        let file = try SourceFile(path: path)
        self.known.withLock { $0[path] = file }
        return file
    }

    /// Every file below some folders.
    static func paths(in folders: [String]) throws -> [String] {
        try folders.flatMap { folder -> [String] in
            let below = FileManager.default.enumerator(atPath: self.root.appending(path: folder).path)
            let names = (below?.allObjects as? [String] ?? []).filter { !$0.split(separator: "/").contains(".build") }
            return try names.map { "\(folder)/\($0)" }.filter(self.isFile)
        }
        .sorted()
    }

    /// The names in a folder that don't begin with a dot; none where there is no folder.
    static func names(in folder: String) -> [String] {
        let path = self.root.appending(path: folder).path
        // A folder that isn't there has no names, which is what its tests complain about.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted()
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: self.root.appending(path: path).path)
    }

    /// The whole text, or nil where the bytes aren't UTF-8.
    static func text(of path: String) throws -> String? {
        String(data: try Data(contentsOf: self.root.appending(path: path)), encoding: .utf8)
    }

    private static func isFile(_ path: String) throws -> Bool {
        try self.root.appending(path: path).resourceValues(forKeys: [.isRegularFileKey]).isRegularFile ?? false
    }

    init(path: String) throws {
        self.init(path: path, text: try Self.text(of: path) ?? "")
    }

    init(path: String, text: String) {
        let source = SourceText(text)
        self.path = path
        self.lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map { offset, line in
            SourceLine(
                path: path,
                number: offset + 1,
                text: String(line),
                code: source.code.indices.contains(offset) ? source.code[offset] : "",
                comment: source.comments.indices.contains(offset) ? source.comments[offset] : ""
            )
        }
    }

    /// Lines as an editor counts them: nothing behind the last newline.
    var lineCount: Int {
        self.lines.last?.text.isEmpty == true ? self.lines.count - 1 : self.lines.count
    }
}

/// A line of a file, and what of it is code.
struct SourceLine: Sendable, CustomStringConvertible {
    let path: String
    let number: Int
    let text: String

    /// Without comments and without what stands in strings.
    let code: String

    /// With its slashes.
    let comment: String

    var description: String { "\(self.path):\(self.number)" }

    /// Whether the line asks for an exception; the reason stands behind the marker.
    var isAllowed: Bool { self.text.contains("tidy:allow ") }

    /// Spaces in front.
    var indentation: Int { self.text.prefix { $0 == " " }.count }
}
