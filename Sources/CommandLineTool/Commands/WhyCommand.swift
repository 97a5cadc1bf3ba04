import ArgumentParser
import CoordinationCore
import Environment
import Platform
import Storage

/// `weir why DIR`: says why a stream is slow, late or stuck.
struct WhyCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Say why a stream that runs with --state is slow, late or stuck.",
        discussion: """
            Reads the figures that the stream writes every second into its state directory: no data, an \
            idle split, a slow sink, splits that wait for others, a lag, checkpoints that fail, a broker \
            that is away.

              weir why state
              weir why state/clickstream --json
            """
    )

    @Argument(help: "What --state named, or the directory of one stream below it.")
    var directory: String

    @Flag(help: "Print the figures as one JSON object for each stream.")
    var json = false

    func perform(_ console: Console) -> CommandStatus {
        do {
            let found = try self.statuses()
            guard !found.isEmpty else {
                let advice = "name the directory that weir run --state was given"
                console.note("error: can't find a stream's figures in '\(self.directory)': \(advice)")
                return .failed
            }
            let now = SystemWallClock().millisecondsSince1970
            for status in found {
                let report = StreamStatusReport(status)
                console.write(self.json ? report.json.text : report.text(now: now))
            }
            return .done
        } catch {
            console.note("error: can't read the figures of a stream: \(error)")
            return .failed
        }
    }

    /// Those of this directory, or of the directories in it.
    private func statuses() throws(EnvironmentError) -> [StreamStatus] {
        let disk = LocalDisk()
        if let own = try StatusFile(disk: disk, directory: self.directory).read() { return [own] }
        var found: [StreamStatus] = []
        for name in try disk.list(self.directory).sorted() {
            // What isn't a directory has no figures in it.
            guard let status = try? StatusFile(disk: disk, directory: "\(self.directory)/\(name)").read() else {
                continue
            }
            found.append(status)
        }
        return found
    }
}
