import FluentSyntax
import ReferenceInterpreter

/// Runs a generated job on the reference interpreter: line by line, then key by key.
struct InterpretedMap {
    private static let exampleLimit = 5

    private let interpreter: Interpreter
    private let map: ReferenceValue
    private let takesKey: Bool
    private let reduce: ReferenceValue?
    private let skipsFailures: Bool
    private let writesJSON: Bool
    private var written = MapOutcome.Written()

    /// Nil if the program doesn't read.
    static func outcome(of map: GeneratedMap) -> MapOutcome? {
        guard var run = InterpretedMap(map.source) else { return nil }
        return run.run(map)
    }

    private init?(_ source: SourceFile) {
        let interpreter = Interpreter()
        let read = Reader.read(source)
        guard !read.hasErrors, let job = read.forms.last, let map = job.option("map") else { return nil }
        guard case .list(let parts) = map.kind, parts.count > 1, case .list(let parameters) = parts[1].kind,
            (try? interpreter.run(Array(read.forms.dropLast()))) != nil,
            let function = try? interpreter.run([map])
        else { return nil }
        self.interpreter = interpreter
        self.map = function
        self.takesKey = parameters.count == 2
        self.reduce = job.option("reduce").flatMap { try? interpreter.run([$0]) }
        self.skipsFailures = job.option("on-error") != nil
        self.writesJSON = job.option("output")?.option("format") != nil
    }

    private mutating func run(_ map: GeneratedMap) -> MapOutcome {
        var groups = Groups()
        for subtask in 0..<map.parallelism {
            var pairs: [ReferenceEntry] = []
            var examples: [MapOutcome.Failure] = []
            for (index, file) in map.files(ofSubtask: subtask) {
                for line in Self.lines(of: file.blocks.flatMap(\.self)) {
                    self.written.recordCount += 1
                    let place = "\(GeneratedMap.name(ofFile: index)):\(line.offset)"
                    do throws(EvaluationError) {
                        pairs += try self.call(line)
                    } catch {
                        guard error.isCatchable else { return .limited }
                        let failure = MapOutcome.Failure(error, at: place)
                        guard self.skipsFailures else { return .failed([failure]) }
                        self.written.rejectedCount += 1
                        if examples.count < Self.exampleLimit { examples.append(failure) }
                    }
                }
            }
            self.written.pairCount += pairs.count
            self.written.rejected += examples
            if self.reduce == nil {
                self.written.parts.append(pairs.map(self.line))
            } else {
                for pair in pairs { groups.add(pair) }
            }
        }
        guard let reduce = self.reduce else { return .written(self.written) }
        return self.reduced(groups, reduce)
    }

    private mutating func reduced(_ groups: Groups, _ reduce: ReferenceValue) -> MapOutcome {
        var lines: [[UInt8]] = []
        var failures: [MapOutcome.Failure] = []
        for group in groups.all {
            self.interpreter.reset()
            do throws(EvaluationError) {
                let arguments = [group.key, ReferenceValue.list(group.values)]
                _ = try self.interpreter.call(reduce, arguments, at: GeneratedProgram.callRange)
                lines += self.interpreter.emitted.map(self.line)
            } catch {
                guard error.isCatchable else { return .limited }
                self.written.rejectedCount += 1
                failures.append(MapOutcome.Failure(error, at: MapOutcome.place(ofKey: group.key.printed.string)))
            }
        }
        guard self.skipsFailures || failures.isEmpty else { return .failed(failures) }
        self.written.parts = [lines.sorted { $0.lexicographicallyPrecedes($1) }]
        return .written(self.written)
    }

    private func call(_ line: Line) throws(EvaluationError) -> [ReferenceEntry] {
        self.interpreter.reset()
        let text = ReferenceValue.string(line.text)
        let arguments = self.takesKey ? [.integer(line.offset), text] : [text]
        _ = try self.interpreter.call(self.map, arguments, at: GeneratedProgram.callRange)
        return self.interpreter.emitted
    }

    // MARK: Input and output

    private struct Line {
        let offset: Int64
        let text: Text
    }

    /// A line ends with `\n` or `\r\n`; the last one may lack its end.
    private static func lines(of bytes: [UInt8]) -> [Line] {
        var lines: [Line] = []
        var start = 0
        while start < bytes.count {
            let newline = bytes[start...].firstIndex(of: UInt8(ascii: "\n"))
            var end = newline ?? bytes.count
            let next = end + 1
            if newline != nil, end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
            lines.append(Line(offset: Int64(start), text: Text(bytes: Array(bytes[start..<end]))))
            start = next
        }
        return lines
    }

    private func line(_ pair: ReferenceEntry) -> [UInt8] {
        guard self.writesJSON else {
            return Self.field(pair.key) + [UInt8(ascii: "\t")] + Self.field(pair.value)
        }
        let key = pair.key.json?.bytes ?? []
        let value = pair.value.json?.bytes ?? []
        return Array("{\"key\":".utf8) + key + Array(",\"value\":".utf8) + value + Array("}".utf8)
    }

    private static let escapes: [UInt8: String] = [
        UInt8(ascii: "\t"): "\\t", UInt8(ascii: "\n"): "\\n", UInt8(ascii: "\r"): "\\r", UInt8(ascii: "\\"): "\\\\",
    ]

    private static func field(_ value: ReferenceValue) -> [UInt8] {
        switch value {
        case .list, .map, .set: return value.json?.bytes ?? []
        case .string(let text), .symbol(let text), .keyword(let text):
            return text.bytes.flatMap { byte in Self.escapes[byte].map { Array($0.utf8) } ?? [byte] }
        default: return value.printed.bytes
        }
    }
}

extension MapOutcome {
    /// Keys too long to show are cut, which says nothing about the work.
    static func place(ofKey text: String) -> String {
        text.utf8.count > 200 ? "a long key" : "the values of key \(text)"
    }
}

/// Values by key, in the order in which they were emitted.
private struct Groups {
    private(set) var all: [(key: ReferenceValue, values: [ReferenceValue])] = []
    private var indexes: [Text: Int] = [:]

    mutating func add(_ pair: ReferenceEntry) {
        let text = pair.key.written
        if let index = self.indexes[text] {
            self.all[index].values.append(pair.value)
        } else {
            self.indexes[text] = self.all.count
            self.all.append((pair.key, [pair.value]))
        }
    }
}

extension SyntaxNode {
    /// What stands behind `:name`.
    fileprivate func option(_ name: String) -> SyntaxNode? {
        guard case .list(let parts) = self.kind else { return nil }
        for (option, value) in zip(parts, parts.dropFirst()) {
            if case .keyword(name) = option.kind { return value }
        }
        return nil
    }
}
