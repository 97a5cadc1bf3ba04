import Foundation
import Synchronization

/// noida-db, a broker with transactions: one for all tests of a process, with data of its own in a temporary folder.
///
/// It ends with this process, however that ends: a shell beside it waits for that.
final class TestBroker: Sendable {
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    private static let shared = Result { try TestBroker() }
    private static let topicCount = Atomic(0)

    let brokers: String

    /// Keeps the pipe open whose end tells the shell that this process is gone.
    private let lifeline: Pipe

    /// The broker, started by the first test that asks for it.
    static func running() throws -> TestBroker {
        try self.shared.get()
    }

    /// A name that no other topic, group or transaction of the broker has.
    static func uniqueName(_ prefix: String) -> String {
        "\(prefix)-\(self.topicCount.add(1, ordering: .relaxed).newValue)"
    }

    private static var program: URL {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../.build/test-broker").standardized
    }

    private init() throws {
        guard FileManager.default.isExecutableFile(atPath: Self.program.path) else {
            throw Missing(description: "no test broker: run scripts/setup --test-broker, which 'make test' does")
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "weir-kafka-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // Threads of a test block signals, and so do the processes they start: only this one can't be.
        let script = """
            "$0" start --only kafka --kafka-port 0 --host 127.0.0.1 --data-dir "$1" & broker=$!
            exec 1>&-
            cat >/dev/null
            kill -9 "$broker"; wait "$broker"; rm -rf "$1"
            """
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", script, Self.program.path, folder.path]
        let (output, lifeline) = (Pipe(), Pipe())
        process.standardInput = lifeline
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.brokers = try Self.address(in: output.fileHandleForReading)
        self.lifeline = lifeline
    }

    /// Reads what the broker prints until it names its port.
    private static func address(in output: FileHandle) throws -> String {
        var text = ""
        while true {
            let data = output.availableData
            guard !data.isEmpty else { throw Missing(description: "the test broker ended: \(text)") }
            text += String(decoding: data, as: UTF8.self)
            if let match = text.firstMatch(of: /kafka +(127\.0\.0\.1:[0-9]+)\s/) { return String(match.1) }
        }
    }
}
