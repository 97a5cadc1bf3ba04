/// A function with a body, found by the layout that swift-format gives: its closing brace is indented as it is.
struct FunctionSpan: Equatable {
    let name: String
    let firstLine: Int
    let lineCount: Int

    /// The functions and initialisers of a file, inner ones too.
    static func all(in file: SourceFile) -> [FunctionSpan] {
        file.lines.indices.compactMap { index in
            guard let name = self.declaredName(file.lines[index].code) else { return nil }
            guard let last = self.lastLine(of: index, in: file.lines) else { return nil }
            return FunctionSpan(name: name, firstLine: index + 1, lineCount: last - index + 1)
        }
    }

    private static func declaredName(_ code: String) -> String? {
        guard code.contains("func ") || code.contains("init") else { return nil }
        let declaration =
            /^ *(?:(?:@\w+(?:\([^)]*\))?|[a-z]+(?:\(\w+\))?) +)*(?:func +(`[^`]+`|[^ (<]+)|(init)\b|(deinit)\b)/
        guard let match = code.firstMatch(of: declaration) else { return nil }
        return (match.1 ?? match.2 ?? match.3).map(String.init)
    }

    /// Nil for a requirement of a protocol, which has no body.
    private static func lastLine(of first: Int, in lines: [SourceLine]) -> Int? {
        guard let opening = self.openingLine(of: first, in: lines) else { return nil }
        let braces = lines[opening].code.reduce(0) { $0 + ($1 == "{" ? 1 : $1 == "}" ? -1 : 0) }
        if braces <= 0 { return opening }
        let indentation = lines[first].indentation
        return lines.indices[(opening + 1)...].first { index in
            lines[index].indentation == indentation && lines[index].code.drop { $0 == " " }.hasPrefix("}")
        }
    }

    /// The line on which the signature ends and the body begins.
    private static func openingLine(of first: Int, in lines: [SourceLine]) -> Int? {
        var parentheses = 0
        for index in first..<lines.count {
            for character in lines[index].code {
                switch character {
                case "(": parentheses += 1
                case ")": parentheses -= 1
                case "{" where parentheses == 0: return index
                default: break
                }
            }
            guard parentheses == 0 else { continue }
            let next = lines.indices.contains(index + 1) ? lines[index + 1].code.drop { $0 == " " } : ""
            let continues = ["{", ")", "->", "throws", "where"].contains { next.hasPrefix($0) }
            guard continues else { return nil }
        }
        return nil
    }
}
