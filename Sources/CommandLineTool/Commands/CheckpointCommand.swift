import ArgumentParser
import CoreTypes
import Platform
import Storage

/// `weir checkpoint`: looks at the checkpoints of a stream.
struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Look at the checkpoints that a stream left in its state directory.",
        subcommands: [InspectCheckpointCommand.self, ListCheckpointsCommand.self]
    )
}

/// `weir checkpoint list DIR`.
struct ListCheckpointsCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the checkpoints of a stream, oldest first."
    )

    @Argument(help: "The state directory of the stream: what --state named, and the stream's name below it.")
    var directory: String

    @Flag(help: "Print an object a line.")
    var json = false

    func perform(_ console: Console) -> CommandStatus {
        let store = DiskCheckpointStore(disk: LocalDisk(), directory: self.directory)
        do {
            let numbers = try store.list().numbers
            if numbers.isEmpty { console.note("there is no checkpoint in '\(self.directory)'") }
            for number in numbers {
                do {
                    let report = CheckpointReport(try store.manifest(number))
                    console.write(self.json ? report.json.text : report.line)
                } catch {
                    console.write(self.json ? Self.damage(number, error).text : "\(number)  damaged: \(error)")
                }
            }
            return .done
        } catch {
            console.note("error: \(error)")
            return .failed
        }
    }

    private static func damage(_ number: Int64, _ error: CheckpointError) -> JSONValue {
        .object([.init("number", .integer(number)), .init("problem", .string("\(error)"))])
    }
}

/// `weir checkpoint inspect DIR [N]`.
struct InspectCheckpointCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what is in a checkpoint: operators, keys, bytes, positions in the source.",
        discussion: """
            Reads every blob of it, so that a damaged one is found.

              weir checkpoint inspect state/clickstream
              weir checkpoint inspect state/clickstream 12
            """
    )

    @Argument(help: "The state directory of the stream: what --state named, and the stream's name below it.")
    var directory: String

    @Argument(help: "The number of the checkpoint; the newest if none is given.")
    var number: Int64?

    @Flag(help: "Print one object.")
    var json = false

    func perform(_ console: Console) -> CommandStatus {
        let store = DiskCheckpointStore(disk: LocalDisk(), directory: self.directory)
        do {
            let numbers = try store.list().numbers
            guard let number = self.number ?? numbers.last, numbers.contains(number) else {
                let list = numbers.map(String.init).joined(separator: ", ")
                let found = numbers.isEmpty ? "there is none" : "there are \(list)"
                let wanted = self.number.map { "checkpoint \($0)" } ?? "a checkpoint"
                console.note("error: can't find \(wanted) in '\(self.directory)': \(found)")
                return .failed
            }
            let manifest = try store.manifest(number)
            let report = CheckpointReport(manifest)
            console.write(self.json ? report.json.text : report.text)
            try store.verify(manifest)
            return .done
        } catch {
            console.note("error: \(error)")
            return .failed
        }
    }
}
