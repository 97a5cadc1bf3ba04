import Testing

/// Limits on how much a reader must hold at once.
@Suite struct LengthTests {
    static let sourceLimit = 500
    static let testLimit = 800
    static let functionLimit = 60

    /// Functions that were longer when the rule came, as `path name`, and how long they may be: a number here may only
    /// become smaller.
    static let longFunctions: [String: Int] = [
        // One case for each instruction: a call per instruction would cost more than the instruction.
        "Sources/Engine/Machine/Machine+Run.swift run": 128
    ]

    @Test func `no source file is longer than 500 lines`() throws {
        for file in try SourceFile.swift(in: ["Sources", "connectors"]) where file.lineCount > Self.sourceLimit {
            Issue.record("\(file) has \(file.lineCount) lines; split it by responsibility")
        }
    }

    @Test func `no test file is longer than 800 lines`() throws {
        for file in try SourceFile.swift(in: ["Tests"]) where file.lineCount > Self.testLimit {
            Issue.record("\(file) has \(file.lineCount) lines; split it by behaviour")
        }
    }

    @Test func `no function is longer than 60 lines`() throws {
        for file in try SourceFile.swift(in: ["Sources", "connectors", "Tests"]) {
            for function in FunctionSpan.all(in: file) {
                let limit = Self.longFunctions["\(file) \(function.name)"] ?? Self.functionLimit
                guard function.lineCount > limit else { continue }
                let place = "\(file):\(function.firstLine)"
                Issue.record("\(place): \(function.name) has \(function.lineCount) lines, \(limit) are allowed")
            }
        }
    }

    @Test func `every exception is still needed`() throws {
        let files = try SourceFile.swift(in: ["Sources", "connectors", "Tests"])
        let lengths = files.flatMap { file in
            FunctionSpan.all(in: file).map { ("\(file) \($0.name)", $0.lineCount) }
        }

        for (name, limit) in Self.longFunctions.sorted(by: { $0.key < $1.key }) {
            let longest = lengths.filter { $0.0 == name }.map(\.1).max() ?? 0
            #expect(longest == limit, "\(name) has \(longest) lines: make its exception as small")
        }
    }

    @Test func `functions are measured from signature to closing brace`() {
        let text = """
            protocol P {
                func required(a: Int)
                func more() -> Int
            }
            struct S {
                func short() -> Int { 1 }
                private static func long(
                    a: Int,
                    b: (Int) -> Int = { $0 }
                ) -> Int {
                    let text = "} func no() {"
                    return a
                }
                init() {
                }
            }
            """

        let found = FunctionSpan.all(in: SourceFile(path: "planted.swift", text: text))

        #expect(
            found == [
                FunctionSpan(name: "short", firstLine: 6, lineCount: 1),
                FunctionSpan(name: "long", firstLine: 7, lineCount: 7),
                FunctionSpan(name: "init", firstLine: 14, lineCount: 2),
            ]
        )
    }
}
