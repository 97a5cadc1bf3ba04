import ArgumentParser

/// A subcommand of `weir`.
///
/// It writes to the console it is given and answers with its exit status, so that tests can call it.
protocol ToolCommand: ParsableCommand {
    func perform(_ console: Console) -> ExitStatus
}
