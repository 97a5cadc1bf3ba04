internal import ConnectorKit
internal import Engine

/// The sinks that a reading subtask writes to: dead letters and side outputs.
///
/// Isolation: one worker thread.
final class SourceOutlets {
    struct Outlet {
        let sink: WrittenOutput.Sink
        let writer: any StreamWriter
        let block: OutputBlock
        var takenCount = 0
    }

    private var outlets: [Outlet]

    init(_ outlets: [Outlet]) {
        self.outlets = outlets
    }

    /// - Returns: False when a writer is full: it wakes the subtask when it has room.
    func write() throws(EngineError) -> Bool {
        var isDone = true
        for index in self.outlets.indices where self.outlets[index].block.count > 0 {
            let outlet = self.outlets[index]
            do {
                self.outlets[index].takenCount += try outlet.writer.write(outlet.block, from: outlet.takenCount)
            } catch {
                throw .connector(error)
            }
            guard self.outlets[index].takenCount == outlet.block.count else {
                isDone = false
                continue
            }
            outlet.block.removeAll()
            self.outlets[index].takenCount = 0
        }
        return isDone
    }

    /// - Returns: Whether everything that was written is delivered.
    func flush() throws(EngineError) -> Bool {
        var isDone = true
        for outlet in self.outlets {
            do {
                if try !outlet.writer.flush() { isDone = false }
            } catch {
                throw .connector(error)
            }
        }
        return isDone
    }

    /// What was written so far belongs to a checkpoint.
    func endEpoch(_ checkpoint: Int64, subtask: Int) throws(EngineError) -> [WrittenOutput] {
        var outputs: [WrittenOutput] = []
        for outlet in self.outlets {
            do {
                outputs += try outlet.writer.endEpoch(checkpoint).map {
                    WrittenOutput(sink: outlet.sink, subtask: subtask, token: $0)
                }
            } catch {
                throw .connector(error)
            }
        }
        return outputs
    }

    func close() {
        for outlet in self.outlets { outlet.writer.close() }
    }
}
