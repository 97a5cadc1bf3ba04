import ArgumentParser
import ConnectorKit
private import Glibc
import Platform

/// The whole program, from its arguments to its exit code.
package enum CommandLineProgram {
    /// Runs the command that the process was started with, and ends the process.
    package static func main() -> Never {
        HeapMemory.returnLargeBlocks()
        FailedWrites.reportAsErrors()
        let console = Console(streams: StandardStreams(), shape: StandardShape())
        let status = self.run(Array(CommandLine.arguments.dropFirst()), console: console)
        exit(status.code)
    }

    /// Runs one command, given by its arguments without the program's name.
    static func run(_ arguments: [String], console: Console) -> CommandStatus {
        let status = self.perform(arguments, console: console)
        console.flush()
        guard let failure = console.outputFailure else { return status }
        guard !failure.isBrokenPipe else { return .brokenPipe }
        console.note("error: \(failure.message)")
        return status == .done ? .failed : status
    }

    private static func perform(_ arguments: [String], console: Console) -> CommandStatus {
        if let problem = self.unknownCommand(arguments) {
            console.note("error: \(problem)")
            return .refused
        }
        do {
            var command = try self.command(arguments)
            if let command = command as? any ToolCommand { return command.perform(console) }
            try command.run()
            return .done
        } catch {
            return self.report(error, console: console)
        }
    }

    /// The command that the arguments ask for.
    static func command(_ arguments: [String]) throws -> any ParsableCommand {
        try RootCommand.parseAsRoot(self.separated(arguments))
    }

    /// Takes `-Dname=value` apart, which the parser would read as an option of the name `Dname`.
    private static func separated(_ arguments: [String]) -> [String] {
        arguments.flatMap { argument in
            argument.hasPrefix("-D") && argument.contains("=") ? ["-D", String(argument.dropFirst(2))] : [argument]
        }
    }

    /// Shows what parsing the arguments threw: a request for help, or a mistake in them.
    private static func report(_ error: any Error, console: Console) -> CommandStatus {
        let text = RootCommand.fullMessage(for: error, columns: console.columnCount)
        guard RootCommand.exitCode(for: error).isSuccess else {
            let prefix = "Error: "
            console.note(text.hasPrefix(prefix) ? "error: \(text.dropFirst(prefix.count))" : text)
            return .refused
        }
        console.write(text)
        return .done
    }

    /// A first argument that is neither a command nor an option; the parser would only call it unexpected.
    private static func unknownCommand(_ arguments: [String]) -> String? {
        let names = RootCommand.commandNames
        guard let first = arguments.first, !first.hasPrefix("-"), !names.contains(first) else { return nil }
        guard !first.hasSuffix(".fl") else {
            return "can't run the command '\(first)': it is a program, not a command; try 'weir run \(first)'"
        }
        let nearest = NearestName.of(first, among: names).map { "did you mean '\($0)'? " } ?? ""
        return "can't run the command '\(first)': there is no such command; \(nearest)"
            + "there are \(names.joined(separator: ", "))"
    }
}
