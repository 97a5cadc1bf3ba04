import ArgumentParser
import FluentSyntax

/// `weir fmt JOB.fl…`: lays programs out in the common form.
struct FormatCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "fmt",
        abstract: "Lay programs out in the common form.",
        discussion: """
            Only white space changes; comments stay where they are. Prints the names of the files \
            that it changed. A file that can't be read as a program is left alone.

              weir fmt jobs/word-count/job.fl
              weir fmt --check jobs/*/job.fl     exits with 1 if one would change
              weir fmt - < job.fl                from standard input to standard output

            Exits with 0 when all is done, 1 if --check found something, 2 if a file can't be read.
            """
    )

    @Argument(help: "The programs; '-' formats standard input to standard output.")
    var jobs: [String]

    @Flag(help: "Change nothing; name the files that would change.")
    var check = false

    func perform(_ console: Console) -> ExitStatus {
        var worst = ExitStatus.done
        for path in self.jobs {
            let status: ExitStatus
            do {
                status = try self.format(path, console: console)
            } catch {
                console.note("error: \(error.message)")
                status = .refused
            }
            if status.code > worst.code { worst = status }
        }
        return worst
    }

    private func format(_ path: String, console: Console) throws(ProgramFileError) -> ExitStatus {
        let source = try ProgramFile.read(path)
        switch Formatter.format(source) {
        case .unreadable(let diagnostics):
            console.note(DiagnosticReport(source: source, diagnostics: diagnostics).text)
            return .refused
        case .formatted(let text):
            let bytes = Array(text.utf8)
            guard path != ProgramFile.standardInput || self.check else {
                console.write(text: text)
                return .done
            }
            guard bytes != source.bytes else { return .done }
            if !self.check { try FileReplacement.write(bytes, to: path) }
            console.write(source.name)
            return self.check ? .failed : .done
        }
    }
}
