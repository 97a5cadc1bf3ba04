import Testing

/// Rules about names.
@Suite struct NameTests {
    static let suffixes = [
        "Manager", "Helper", "Helpers", "Util", "Utils", "Utility", "Handler", "Impl", "Base", "Data", "Info",
        "Wrapper",
    ]

    /// Terms of the product.
    static let terms = ["JobManager"]

    @Test func `no type's name ends in a word that says nothing`() throws {
        let declaration = /\b(?:struct|class|enum|actor|protocol|typealias) +([A-Z]\w*)/

        for line in try SourceFile.swift(in: ["Sources", "connectors", "Tests"]).flatMap(\.lines) {
            guard let name = line.code.firstMatch(of: declaration)?.1 else { continue }
            guard !line.isAllowed, !Self.terms.contains(String(name)) else { continue }
            let isBanned = Self.suffixes.contains { name.hasSuffix($0) } || name.hasPrefix("Abstract")
            #expect(!isBanned, "\(line): say what \(name) does, not that it does something")
        }
    }

    @Test func `the name of a test is a sentence`() throws {
        for file in try SourceFile.swift(in: ["Tests", "connectors"]) {
            for (index, line) in file.lines.enumerated() where line.code.contains("@Test") {
                let declaration = file.lines[index...].first { $0.code.contains("func ") }
                guard let name = declaration?.code.firstMatch(of: /\bfunc +(`[^`]+`|[^ (<]+)/)?.1 else { continue }
                let isSentence = name.hasPrefix("`") && name.contains(" ")
                #expect(isSentence, "\(line): write \(name) as a sentence in backticks")
                let isPromise = name.hasPrefix("`test") || name.contains(" should ")
                #expect(!isPromise, "\(line): say what is, in the present tense: \(name)")
            }
        }
    }

    @Test func `no library has a file that SwiftPM takes for a program`() throws {
        for path in try SourceFile.paths(in: ["Sources", "connectors"]) {
            #expect(!path.lowercased().hasSuffix("/main.swift"), "\(path): name it after its type")
        }
    }
}
