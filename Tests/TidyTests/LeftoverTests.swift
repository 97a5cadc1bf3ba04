import Testing

/// What is meant to be gone before a change is finished.
@Suite struct LeftoverTests {
    static let folders = ["Sources", "Tests", "connectors"]

    /// Everything that is written by people.
    static let written = folders + ["Benchmarks", "Fuzz", "docs", "jobs", "scripts"]

    /// Comments that read like statements.
    static let statements = [
        #"^// *(let|var) +\w+ *(:|=)"#,
        #"^// *(func|struct|class|enum|extension|protocol|import|case \.) *[\w.]+ *([({:<=]|$)"#,
        #"^// *(return|try|await|guard|if|for|while|switch|else)\b.*[{;]$"#,
        #"^// *\}? *(else)? *[{}]$"#,
        #"^// *self\.\w+.*[)=]"#,
    ]

    @Test func `every marker of unfinished work names an issue`() throws {
        for line in try SourceFile.swift(in: Self.folders).flatMap(\.lines) where !line.isAllowed {
            if line.comment.contains("FIXME") {
                Issue.record("\(line): fix it now, or file an issue and name it in a marker to do it")
            }
            if line.comment.contains("TODO"), !line.comment.contains(/TODO\(?#[0-9]+/) {
                Issue.record("\(line): name the issue: #42")
            }
        }
    }

    @Test func `no code is commented out`() throws {
        let patterns = try Self.statements.map { try Regex($0) }

        for line in try SourceFile.swift(in: Self.folders).flatMap(\.lines) {
            guard !line.comment.isEmpty, !line.comment.hasPrefix("///"), !line.isAllowed else { continue }
            for pattern in patterns where line.comment.contains(pattern) {
                Issue.record("\(line): delete it, the history has it: \(line.comment)")
            }
        }
    }

    @Test(arguments: ["// let x = 1", "// func run() {", "// return x;", "// }", "// self.count += 1", "// if ready {"])
    func `commented code is recognised`(comment: String) throws {
        let found = try Self.statements.contains { comment.contains(try Regex($0)) }

        #expect(found)
    }

    @Test(arguments: ["// let the caller decide", "// returns to the pool", "// MARK: - Reading", "// case by case"])
    func `prose isn't taken for code`(comment: String) throws {
        let found = try Self.statements.contains { comment.contains(try Regex($0)) }

        #expect(!found)
    }

    @Test func `no file knows the machine it was written on`() throws {
        let pattern = /(?:^|[^\w.\/])\/(?:home|root|Users|work|tmp\/wt)\/\w/
        let single = ["Package.swift", "Makefile", "README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", ".ci/run"]

        for path in try SourceFile.paths(in: Self.written) + single.filter(SourceFile.exists) {
            guard let text = try SourceFile.text(of: path) else { continue }
            for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                guard line.contains("/"), line.contains(pattern), !line.contains("tidy:allow ") else { continue }
                Issue.record("\(path):\(index + 1): a path of one machine; make it relative or a parameter")
            }
        }
    }
}
