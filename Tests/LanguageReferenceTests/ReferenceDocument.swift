import FluentSyntax
import Foundation

/// `docs/language.md`, taken apart.
struct ReferenceDocument {
    /// A fenced block that is run.
    struct Block {
        let firstLine: Int
        let source: SourceFile

    }

    let text: String

    init() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let file = folder.appending(path: "../../docs/language.md").standardized
        self.text = try String(contentsOf: file, encoding: .utf8)
    }

    /// The fenced blocks in a language.
    func blocks(_ language: String) -> [Block] {
        var blocks: [Block] = []
        var lines: [Substring]?
        for (index, line) in self.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line == "```\(language)" {
                lines = []
            } else if line == "```", let collected = lines {
                let text = collected.joined(separator: "\n")
                let source = SourceFile(name: "docs/language.md", text: text)
                blocks.append(Block(firstLine: index - collected.count + 1, source: source))
                lines = nil
            } else {
                lines?.append(line)
            }
        }
        return blocks
    }

    /// Everything outside of fences that stands between backquotes.
    var codeSpans: [String] {
        let prose = self.text.split(separator: "```").enumerated().filter { $0.offset.isMultiple(of: 2) }
        return prose.flatMap { part in
            part.element.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { !$0.offset.isMultiple(of: 2) }
                .map { String($0.element) }
        }
    }
}

extension ReferenceDocument.Block {
    /// A form and what the comment behind it promises; nil where it promises nothing.
    struct Example {
        let form: SyntaxNode
        let expected: String?
    }

    var examples: [Example] {
        Reader.read(self.source).forms.map { form in
            let rest = self.source.bytes[form.range.end...].prefix { $0 != UInt8(ascii: "\n") }
            let comment = String(decoding: rest, as: UTF8.self)
            let marker = " ; => "
            return Example(
                form: form,
                expected: comment.hasPrefix(marker) ? String(comment.dropFirst(marker.count)) : nil
            )
        }
    }
}
