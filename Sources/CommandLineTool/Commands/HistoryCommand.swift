import ArgumentParser
import Environment
import Linearizability
import Platform

/// `weir history FILE`: judges what clients of a replicated store saw.
struct HistoryCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Say whether a recorded history of reads and writes is linearizable.",
        discussion: """
            Reads JSON lines in the order in which things happened, two for each operation: when \
            a client asked, and when it was answered.

              {"process": 1, "type": "invoke", "f": "write", "key": "x", "value": 5}
              {"process": 1, "type": "ok", "f": "write", "key": "x", "value": 5}

            "f" is "read", "write" or "cas", whose value is [expected, new]. "type" is "invoke", \
            "ok", "fail" (it certainly had no effect) or "info" (nobody knows; the same is true \
            if there is no second line). A read's value is what it saw; null is a key that was \
            never written.

            Each key is searched for an order that a single copy could show. Exit codes: 0 \
            linearizable, 1 not, with the fewest operations found that have no order, 2 the file \
            can't be read, 3 unknown, as a search was given up after --steps.

              weir history history.jsonl
              weir history - --json < history.jsonl
            """
    )

    @Argument(help: "The history; '-' reads it from standard input.")
    var file: String

    @Option(help: ArgumentHelp("Steps of the search of one key.", valueName: "n"))
    var steps = 20_000_000

    @Flag(help: "Print one object.")
    var json = false

    func validate() throws {
        guard self.steps > 0 else { throw ValidationError("--steps must be at least 1") }
    }

    func perform(_ console: Console) -> CommandStatus {
        var history = HistoryFile()
        do {
            var lines = try LineFile(self.file, lineLimit: HistoryFile.lineLimit)
            var number = 0
            while let line = try lines.next() {
                number += 1
                try history.take(line, number: number)
            }
        } catch let error as HistoryFileError {
            console.note("error: can't read the history '\(self.file)': \(error)")
            return .refused
        } catch {
            console.note("error: \(error)")
            return .refused
        }
        let operations = history.finish()
        let verdict = LinearizabilityChecker(stepLimit: self.steps).check(operations)
        let report = HistoryReport(
            verdict: verdict,
            operationCount: operations.count,
            keys: history.keys.texts,
            values: history.values.texts,
            processes: history.processes.texts
        )
        console.write(text: self.json ? report.json.text : report.text(stepLimit: self.steps))
        return report.status
    }
}
