import ArgumentParser
import Platform
import Storage

/// `weir savepoint DIR TARGET`.
struct SavepointCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "savepoint",
        abstract: "Copy the newest checkpoint of a stream, which may be running, into a directory of its own.",
        discussion: """
            The copy needs nothing beside it and is retired by nobody. What the stream has read behind its newest \
            checkpoint isn't in it.

              weir savepoint state/clickstream savepoints
              weir run job.fl --from savepoints/checkpoint-12 --state elsewhere
            """
    )

    /// A stream that is faster than this many copies keeps too few checkpoints to be copied.
    private static let attemptLimit = 5

    @Argument(help: "The state directory of the stream: what --state named, and the stream's name below it.")
    var directory: String

    @Argument(help: "Where the directory checkpoint-N is made; it may hold other savepoints.")
    var target: String

    func perform(_ console: Console) -> CommandStatus {
        let store = DiskCheckpointStore(disk: LocalDisk(), directory: self.directory)
        let copies = DiskCheckpointStore(disk: LocalDisk(), directory: self.target)
        do {
            var problem: CheckpointError?
            for _ in 0..<Self.attemptLimit {
                guard let number = try store.list().numbers.last else {
                    console.note("error: can't make a savepoint: there is no checkpoint in '\(self.directory)' yet")
                    return .failed
                }
                do {
                    let manifest = try store.export(number, to: copies)
                    console.write("\(self.target)/checkpoint-\(number)")
                    console.note(CheckpointReport(manifest).line)
                    return .done
                } catch {
                    // One that was retired while it was copied has a newer one.
                    guard try store.list().numbers.last != number else { throw error }
                    problem = error
                }
            }
            throw problem ?? .state("can't make a savepoint: every checkpoint was retired while it was copied")
        } catch {
            console.note("error: \(error)")
            return .failed
        }
    }
}
