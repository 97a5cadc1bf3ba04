internal import ConnectorKit
internal import Engine

/// The writers of one subtask, and the blocks that they write.
struct SinkOutlets {
    private struct Outlet {
        let sink: WrittenOutput.Sink
        let writer: any StreamWriter
        let block: OutputBlock

        /// Which of the sink's writers it is.
        let number: Int
        var takenCount = 0
    }

    private var outlets: [Outlet] = []

    /// Adds the writer of this number among those of a sink: several stages may write to one.
    mutating func add(_ sink: WrittenOutput.Sink, _ writer: any StreamWriter, _ block: OutputBlock, number: Int) {
        self.outlets.append(Outlet(sink: sink, writer: writer, block: block, number: number))
    }

    /// Hands on what lies in the blocks.
    ///
    /// - Returns: Whether all of it is taken, how many records of the output were, and the bytes of blocks that begin with them.
    mutating func write() throws(EngineError) -> (isDone: Bool, outputCount: Int, outputBytes: Int) {
        var isDone = true
        var outputCount = 0
        var outputBytes = 0
        for index in self.outlets.indices where self.outlets[index].block.count > 0 {
            let outlet = self.outlets[index]
            let taken: Int
            do {
                taken = try outlet.writer.write(outlet.block, from: outlet.takenCount)
            } catch {
                throw .connector(error)
            }
            self.outlets[index].takenCount += taken
            if outlet.sink == .output, taken > 0 {
                outputCount += taken
                if outlet.takenCount == 0 { outputBytes += outlet.block.byteCount }
            }
            if self.outlets[index].takenCount == outlet.block.count {
                outlet.block.removeAll()
                self.outlets[index].takenCount = 0
            } else {
                isDone = false
            }
        }
        return (isDone, outputCount, outputBytes)
    }

    /// - Returns: Whether everything that was taken is delivered.
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

    /// What was taken so far belongs to this checkpoint.
    func endEpoch(_ checkpoint: Int64) throws(EngineError) -> [WrittenOutput] {
        var outputs: [WrittenOutput] = []
        for outlet in self.outlets {
            do {
                outputs += try outlet.writer.endEpoch(checkpoint).map {
                    WrittenOutput(sink: outlet.sink, subtask: outlet.number, token: $0)
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
