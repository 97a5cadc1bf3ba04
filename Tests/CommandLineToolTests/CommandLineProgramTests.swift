import ProgramService
import Testing

@testable import CommandLineTool

@Suite struct CommandLineProgramTests {
    @Test func `the version goes to standard output`() {
        let call = Invocation("--version")

        #expect(call.status == .done)
        #expect(call.results == "weir \(ToolVersion.current)\n")
        #expect(call.notes.isEmpty)
    }

    @Test(arguments: [["--help"], ["help"], [], ["run", "--help"], ["help", "fmt"]])
    func `help goes to standard output`(arguments: [String]) {
        let streams = RecordedStreams()

        let status = CommandLineProgram.run(arguments, console: Console(streams: streams, shape: FixedShape()))

        #expect(status == .done)
        #expect(streams.results.hasPrefix("OVERVIEW: "))
        #expect(streams.notes.isEmpty)
    }

    @Test func `an unknown command names the nearest one`() {
        let call = Invocation("chek", "job.fl")

        #expect(call.status == .refused)
        #expect(
            call.notes == """
                error: can't run the command 'chek': there is no such command; did you mean 'check'? \
                there are run, check, fmt, explain, checkpoint, savepoint, why, history, help

                """
        )
    }

    @Test func `a program without a command is explained`() {
        let call = Invocation("job.fl")

        #expect(call.status == .refused)
        #expect(call.notes.contains("try 'weir run job.fl'"))
    }

    @Test func `an unknown option names the nearest one`() {
        let call = Invocation("run", "job.fl", "--paralelism", "2")

        #expect(call.status == .refused)
        #expect(call.notes.hasPrefix("error: Unknown option '--paralelism'. Did you mean '--parallelism'?\n"))
    }

    @Test(arguments: [
        (["run"], "Missing expected argument '<job>'"),
        (["run", "job.fl", "--parallelism", "0"], "the number of threads is from 1 to 256"),
        (["run", "job.fl", "--parallelism", "257"], "the number of threads is from 1 to 256"),
        (["run", "job.fl", "--parallelism", "two"], "the number of threads is from 1 to 256"),
        (["run", "job.fl", "--memory", "much"], "a size is a number and a unit, as in 512MiB"),
        (["run", "job.fl", "--memory", "-5"], "The value '-5' is invalid for '--memory <size>': a size is"),
        (["run", "job.fl", "--record-memory", "-1"], "The value '-1' is invalid for '--record-memory <size>'"),
        (["run", "job.fl", "--parallelism", "-2"], "the number of threads is from 1 to 256"),
        (["check", "job.fl", "--combiner", "--seed", "-1"], "The value '-1' is invalid for '--seed <n>'"),
        (["run", "job.fl", "-D", "a=1", "-D", "a=2"], "-D a=… is given twice, as '1' and as '2'; give it once"),
        (["check", "job.fl", "-Da=1", "-Da=1"], "-D a=… is given twice"),
        (["run", "job.fl", "--memory", "1KiB"], "it is too little to work with; give at least 16 MiB"),
        (["run", "job.fl", "--table-memory", "1B"], "give at least 64 B"),
        (["run", "job.fl", "--step-limit", "0"], "the number of steps is from 1"),
        (["run", "job.fl", "--record-memory", "1B"], "give at least 1 KiB"),
        (["run", "job.fl", "-D", "name"], "a parameter is written name=value"),
        (["run", "job.fl", "-D=value"], "a parameter is written name=value"),
        (["explain", "job.fl", "--json", "--dot"], "--json and --dot exclude each other"),
        (["check"], "Missing expected argument '<jobs> ...'"),
    ])
    func `a wrong command line says what is right`(arguments: [String], message: String) {
        let streams = RecordedStreams()

        let status = CommandLineProgram.run(arguments, console: Console(streams: streams, shape: FixedShape()))

        #expect(status == .refused)
        #expect(streams.notes.hasPrefix("error: "))
        #expect(streams.notes.contains(message))
        #expect(streams.results.isEmpty)
    }

    @Test func `options of a run are what the command line says`() throws {
        let options = try Self.options(
            "run",
            "job.fl",
            "-D",
            "input=a=b",
            "-D",
            "--x=1",
            "-Dother=c=",
            "--parallelism",
            "4",
            "--memory",
            "512MiB",
            "--table-memory",
            "4KiB",
            "--overwrite",
            "--no-kernels",
            "--step-limit",
            "1_000",
            "--record-memory",
            "64MiB"
        )

        #expect(options.parameters == ["input": "a=b", "other": "c=", "--x": "1"])
        #expect(options.parallelism == 4)
        #expect(options.memoryBytes == 512 << 20)
        #expect(options.tableBytes == 4 << 10)
        #expect(options.overwritesOutput)
        #expect(!options.kernelsEnabled)
        #expect(options.recordSteps == 1_000)
        #expect(options.recordMemoryBytes == 64 << 20)
    }

    @Test func `what isn't said is left to the engine`() throws {
        let options = try Self.options("run", "job.fl")

        #expect(options.parameters.isEmpty)
        #expect(options.parallelism == nil)
        #expect(options.memoryBytes == nil)
        #expect(options.tableBytes == nil)
        #expect(!options.overwritesOutput)
        #expect(options.kernelsEnabled)
    }

    @Test func `exit codes are those that are documented`() {
        let statuses: [CommandStatus] = [.done, .failed, .refused, .stopped(code: 130), .brokenPipe]

        #expect(statuses.map(\.code) == [0, 1, 2, 130, 141])
    }

    @Test func `a reader that went away ends the command quietly`() {
        let streams = RecordedStreams(failure: OutputFailure(isBrokenPipe: true, message: "gone"))

        let status = CommandLineProgram.run(["--version"], console: Console(streams: streams, shape: FixedShape()))

        #expect(status == .brokenPipe)
        #expect(streams.notes.isEmpty)
    }

    @Test func `output that can't be written is a failure`() {
        let streams = RecordedStreams(failure: OutputFailure(isBrokenPipe: false, message: "can't write: disk full"))

        let status = CommandLineProgram.run(["--version"], console: Console(streams: streams, shape: FixedShape()))

        #expect(status == .failed)
        #expect(streams.notes == "error: can't write: disk full\n")
    }

    static func options(_ arguments: String...) throws -> RunOptions {
        let command = try CommandLineProgram.command(arguments) as? RunCommand
        return try #require(command).options
    }
}
