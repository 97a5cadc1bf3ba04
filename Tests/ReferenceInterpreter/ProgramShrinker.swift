import FluentSyntax

/// Makes a failing program smaller while it still fails.
package struct ProgramShrinker {
    /// Programs tried before the smallest found so far is good enough.
    private static let trialLimit = 1_000

    private let stillFails: (GeneratedProgram) -> Bool
    private var trialCount = 0

    /// - Parameter stillFails: Whether a program shows the same problem; one that doesn't read shows none.
    package init(stillFails: @escaping (GeneratedProgram) -> Bool) {
        self.stillFails = stillFails
    }

    package mutating func shrink(_ program: GeneratedProgram) -> GeneratedProgram {
        var best = program
        for line in program.lines where program.lines.count > 1 {
            let candidate = best.replacing(lines: [line])
            if self.fails(candidate) {
                best = candidate
                break
            }
        }
        while let smaller = self.smaller(than: best) { best = smaller }
        return best
    }

    private mutating func smaller(than program: GeneratedProgram) -> GeneratedProgram? {
        let read = Reader.read(program.source)
        guard !read.hasErrors else { return nil }
        for edit in read.forms.flatMap({ Self.edits(of: $0, isTopLevel: true) }) {
            let candidate = program.replacing(text: Self.apply(edit, to: program.source))
            if candidate.text.utf8.count < program.text.utf8.count, self.fails(candidate) { return candidate }
        }
        return nil
    }

    private mutating func fails(_ program: GeneratedProgram) -> Bool {
        self.trialCount += 1
        return self.trialCount <= Self.trialLimit && self.stillFails(program)
    }

    /// A part of the text and what to put there.
    private struct Edit {
        let range: SourceRange
        let replacement: Replacement
    }

    private enum Replacement {
        case text(String)
        case part(SourceRange)
    }

    /// The boldest edits first: whole subtrees go before their parts are tried.
    private static func edits(of node: SyntaxNode, isTopLevel: Bool = false) -> [Edit] {
        let children = node.children
        guard !children.isEmpty else { return [] }
        var edits = isTopLevel ? [Edit(range: node.range, replacement: .text(""))] : []
        edits += ["nil", "0", "\"\""].map { Edit(range: node.range, replacement: .text($0)) }
        edits += children.map { Edit(range: node.range, replacement: .part($0.range)) }
        edits += children.dropFirst().map { Edit(range: $0.range, replacement: .text("")) }
        return edits + children.flatMap { Self.edits(of: $0) }
    }

    private static func apply(_ edit: Edit, to source: SourceFile) -> String {
        let new: [UInt8] =
            switch edit.replacement {
            case .text(let text): Array(text.utf8)
            case .part(let range): Array(source.bytes[range.start..<range.end])
            }
        let bytes = source.bytes[..<edit.range.start] + new + source.bytes[edit.range.end...]
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension SyntaxNode {
    /// The forms inside this one.
    var children: [SyntaxNode] {
        switch self.kind {
        case .list(let children), .vector(let children), .map(let children): children
        case .quote(let child): [child]
        case .nil, .boolean, .integer, .float, .string, .regex, .keyword, .symbol: []
        }
    }
}
