import FluentSyntax
import Foundation
import Glibc
import ReferenceInterpreter

/// Runs the jobs of a program on the reference interpreter, in memory: the plainest map-reduce there can be.
struct InterpretedJob {
    private let root: URL
    private let interpreter = Interpreter()
    /// Output lines by the path of the sink.
    private(set) var outputs: [String: [Text]] = [:]

    /// Runs all jobs of the program in order; relative paths start from `root`.
    init(running source: SourceFile, in root: URL) throws {
        self.root = root
        for form in Reader.read(source).forms {
            let elements = form.parts
            switch elements.first?.kind {
            case .symbol("define"): _ = try self.interpreter.run([form])
            case .symbol("define-mapreduce"): try self.run(options: elements)
            default: continue
            }
        }
    }

    private mutating func run(options: [SyntaxNode]) throws {
        let map = try self.interpreter.run([try Self.option("map", of: options)])
        let isJSON = (try? Self.option("format", of: options)) != nil
        let takesKey = try Self.option("map", of: options).parts[1].parts.count == 2
        var pairs: [ReferenceEntry] = []
        for line in try self.lines(try Self.option("input", of: options)) {
            let text = ReferenceValue.string(line.text)
            let record = isJSON ? try self.call(.builtin(.parseJSON), [text])[0].value : text
            // A record that fails gives nothing.
            pairs += (try? self.call(map, takesKey ? [.integer(line.offset), record] : [record]).dropFirst()) ?? []
        }
        if let reduce = try? Self.option("reduce", of: options) {
            pairs = try self.reduced(pairs, with: try self.interpreter.run([reduce]))
        }
        let path = try self.strings(try Self.option("output", of: options))[0].string
        self.outputs[path] = pairs.map { Self.written($0) }
    }

    private func reduced(_ pairs: [ReferenceEntry], with reduce: ReferenceValue) throws -> [ReferenceEntry] {
        var indexes: [Text: Int] = [:]
        var groups: [(key: ReferenceValue, values: [ReferenceValue])] = []
        for pair in pairs {
            if let index = indexes[pair.key.written] {
                groups[index].values.append(pair.value)
            } else {
                indexes[pair.key.written] = groups.count
                groups.append((pair.key, [pair.value]))
            }
        }
        return try groups.flatMap { try self.call(reduce, [$0.key, .list($0.values)]).dropFirst() }
    }

    /// The function's value under nil, then the pairs that it emitted.
    private func call(_ function: ReferenceValue, _ arguments: [ReferenceValue]) throws -> [ReferenceEntry] {
        self.interpreter.reset()
        let value = try self.interpreter.call(function, arguments, at: SourceRange(start: 0, end: 0))
        return [ReferenceEntry(.nil, value)] + self.interpreter.emitted
    }

    // MARK: Input and output

    private struct Line {
        let offset: Int64
        let text: Text
    }

    private func lines(_ input: SyntaxNode) throws -> [Line] {
        var lines: [Line] = []
        for pattern in try self.strings(input).map(\.string) {
            if let made = self.outputs.first(where: { pattern.hasPrefix($0.key + "/") }) {
                lines += made.value.map { Line(offset: 0, text: $0) }
            }
            let folder = self.root.appending(path: pattern).deletingLastPathComponent()
            let name = self.root.appending(path: pattern).lastPathComponent
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
            for file in files.sorted() where unsafe fnmatch(name, file, 0) == 0 {
                lines += Self.lines(of: Array(try Data(contentsOf: folder.appending(path: file))))
            }
        }
        return lines
    }

    private static func lines(of bytes: [UInt8]) -> [Line] {
        var lines: [Line] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            let hasReturn = end < bytes.count && end > start && bytes[end - 1] == UInt8(ascii: "\r")
            let text = Text(bytes: Array(bytes[start..<(hasReturn ? end - 1 : end)]))
            lines.append(Line(offset: Int64(start), text: text))
            start = end + 1
        }
        return lines
    }

    private static func written(_ pair: ReferenceEntry) -> Text {
        Text(bytes: Self.field(pair.key) + [UInt8(ascii: "\t")] + Self.field(pair.value))
    }

    private static func field(_ value: ReferenceValue) -> [UInt8] {
        if case .map = value { return value.json?.bytes ?? [] }
        let escapes: [UInt8: String] = [
            UInt8(ascii: "\t"): "\\t", UInt8(ascii: "\n"): "\\n", UInt8(ascii: "\\"): "\\\\",
        ]
        return value.printed.bytes.flatMap { byte in escapes[byte].map { Array($0.utf8) } ?? [byte] }
    }

    // MARK: Options

    private struct MissingOption: Error {
        let name: String
    }

    private static func option(_ name: String, of elements: [SyntaxNode]) throws -> SyntaxNode {
        for (option, value) in zip(elements, elements.dropFirst()) {
            if case .keyword(name) = option.kind { return value }
        }
        throw MissingOption(name: name)
    }

    /// The positional arguments of a source or sink.
    private func strings(_ connector: SyntaxNode) throws -> [Text] {
        try connector.parts.dropFirst().prefix { if case .keyword = $0.kind { false } else { true } }
            .map { try self.interpreter.run([$0]).printed }
    }
}

extension SyntaxNode {
    fileprivate var parts: [SyntaxNode] {
        switch self.kind {
        case .list(let parts), .vector(let parts): parts
        default: []
        }
    }
}
