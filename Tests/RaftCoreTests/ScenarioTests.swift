import Foundation
import Testing

/// Scripts with recorded effects, in `Scenarios/`: a command, `----`, and every effect it caused.
///
/// With `WEIR_ACCEPT_SCENARIOS` in the environment the files are written anew instead of compared; the difference is
/// reviewed like code.
@Suite struct ScenarioTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scenarios")

    static let names = [
        "election", "election-contested", "replication", "replication-conflict", "snapshot", "membership-joint",
        "membership-leader-removed", "read-index", "transfer",
    ]

    @Test(arguments: names)
    func `a scenario has the effects that were recorded`(name: String) throws {
        let file = Self.folder.appending(path: "\(name).txt")
        let recorded = try String(contentsOf: file, encoding: .utf8)

        let played = try Self.play(recorded)

        if ProcessInfo.processInfo.environment["WEIR_ACCEPT_SCENARIOS"] != nil {
            try played.write(to: file, atomically: true, encoding: .utf8)
        } else {
            #expect(played == recorded, "\(name): make accept-scenarios writes it anew")
        }
    }

    @Test func `every scenario file is played`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path())

        #expect(files.filter { !$0.hasPrefix(".") }.sorted() == Self.names.map { "\($0).txt" }.sorted())
    }

    /// The same text with the effects that the commands have now.
    private static func play(_ text: String) throws -> String {
        var group = ScriptedGroup()
        var result: [String] = []
        for block in text.components(separatedBy: "\n\n") {
            let lines = block.split(separator: "\n").map(String.init)
            let comments = lines.prefix { $0.hasPrefix("#") }
            guard let command = lines.dropFirst(comments.count).first else {
                result.append(comments.joined(separator: "\n"))
                continue
            }
            let effects = try group.run(command)
            result.append((Array(comments) + [command, "----"] + effects).joined(separator: "\n"))
        }
        return result.joined(separator: "\n\n") + "\n"
    }
}
