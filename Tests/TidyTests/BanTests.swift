import Testing

/// House rules about text that the compiler and swift-format can't check.
@Suite struct BanTests {
    @Test(arguments: Ban.all)
    func `banned text is absent`(ban: Ban) throws {
        let pattern = try Regex(ban.pattern)

        for file in try SourceFile.swift(in: ban.folders) where !ban.except.contains(where: file.path.hasPrefix) {
            for line in file.lines where line.code.contains(ban.text) && !line.isAllowed && line.code.contains(pattern)
            {
                Issue.record("\(line): '\(ban.pattern)' is banned here; use \(ban.instead)")
            }
        }
    }

    /// So that a typing error in a pattern doesn't switch its rule off.
    @Test(arguments: [
        ("let x = values.shuffled()", 2), ("Int.random(in: 0..<3)", 1), ("public struct Open {", 18),
        ("    let answer = await ask()", 11), ("print(answer)", 17), ("Task { run() }", 12),
    ])
    func `each ban finds what it bans`(planted: String, ban: Int) throws {
        let line = try #require(SourceFile(path: "planted.swift", text: planted).lines.first)

        #expect(line.code.contains(Ban.all[ban].text))
        #expect(line.code.contains(try Regex(Ban.all[ban].pattern)))
    }

    @Test(arguments: [
        "let x = values.shuffled(using: &random)", "Int.random(in: 0..<3, using: &random)", "case await",
        "case .await: 1", "// print(answer)", #"let text = "print(answer)""#, "public import CoreTypes",
    ])
    func `no ban finds what is allowed`(allowed: String) throws {
        let line = try #require(SourceFile(path: "allowed.swift", text: allowed).lines.first)

        for ban in Ban.all {
            #expect(!line.code.contains(try Regex(ban.pattern)), "\(ban.pattern)")
        }
    }

    @Test func `unchecked concurrency says why it is safe`() throws {
        for file in try SourceFile.swift(in: Ban.everywhere) {
            for (index, line) in file.lines.enumerated()
            where Self.isUnchecked(line.code) {
                let above = file.lines[max(0, index - 5)...index]
                let says = above.contains { $0.comment.contains("SAFETY:") }
                #expect(says, "\(line): say above it in a comment 'SAFETY: …' which rule makes this true")
            }
        }
    }

    private static func isUnchecked(_ code: String) -> Bool {
        code.contains("@unchecked Sendable") || code.contains("nonisolated(unsafe)")
    }
}
