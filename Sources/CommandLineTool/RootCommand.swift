import ArgumentParser

/// `weir`: its subcommands.
struct RootCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir",
        abstract: "Runs data jobs that are written in FluentAI.",
        discussion: """
            A job is a small text file that says what is read, what happens to each record, how \
            records with the same key are put together, and where the result goes. A first one, \
            saved as count.fl, counts the words of some files:

              (define-mapreduce word-count
                :input (distributed-files "books/*.txt")
                :output (distributed-path "results/word-count")
                :map (lambda (key line) (for (word (split line " ")) (emit word 1)))
                :reduce (lambda (word counts) (emit word (sum counts))))

            Then:

              weir check count.fl     says what is wrong with it, without running it
              weir run count.fl       runs it and shows where the output lies
              weir explain count.fl   shows how it will be run, and why
              weir fmt count.fl       lays the file out in the common form

            Results go to standard output, everything else to standard error. Exit codes: 0 done, \
            1 a job failed, 2 wrong usage or a program that doesn't check, 130 stopped with Ctrl-C.
            """,
        version: "weir \(ToolVersion.current)",
        subcommands: [
            RunCommand.self, CheckCommand.self, FormatCommand.self, ExplainCommand.self, CheckpointCommand.self,
            SavepointCommand.self, WhyCommand.self, HistoryCommand.self,
        ]
    )

    /// What the subcommands are called.
    static var commandNames: [String] {
        self.configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    }
}

/// The version of this build.
enum ToolVersion {
    static let current = "0.1.0"
}
