import ArgumentParser
import FluentSyntax
import ProgramService

/// What commands that look at a program's jobs have in common.
struct ProgramOptions: ParsableArguments {
    @Argument(help: "The program, a FluentAI file; '-' reads it from standard input.")
    var job: String

    @Option(
        name: .customShort("D", allowingJoined: true),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A parameter, which the program reads as (param \"name\"). Repeatable, once for each name.",
            valueName: "name=value"
        ),
        transform: ParameterDefinition.parse
    )
    var parameters: [ParameterDefinition] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Worker threads, from 1 to 256. (default: one a processor)", valueName: "n"),
        transform: OptionValue.parallelism
    )
    var parallelism: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Memory that each job may use, as in 512MiB; above it, it uses the disk.",
            valueName: "size"
        ),
        transform: OptionValue.memory
    )
    var memory: Int64?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Memory that each table of a job may take before it uses the disk. (default: its part of --memory)",
            valueName: "size"
        ),
        transform: OptionValue.tableMemory
    )
    var tableMemory: Int64?

    @Flag(help: "Run lambdas on the virtual machine only, for comparison.")
    var noKernels = false

    func validate() throws {
        try ParameterDefinition.checkUnique(self.parameters)
    }

    /// The options of a run, as far as these know them.
    var runOptions: RunOptions {
        var options = RunOptions()
        for parameter in self.parameters { options.parameters[parameter.name] = parameter.value }
        options.parallelism = self.parallelism
        options.memoryBytes = self.memory
        options.tableBytes = self.tableMemory
        options.kernelsEnabled = !self.noKernels
        return options
    }
}
