internal import ConnectorKit
internal import CoordinationCore
internal import CoreTypes
internal import Engine
internal import FluentSyntax
internal import JobPlan
internal import JobService
internal import Platform
internal import Storage
internal import WorkerService

extension ProgramContext {
    /// Plans, compiles and starts a stream.
    func start(_ stream: StreamDefinition, at range: SourceRange) throws(EvaluationError) -> RunningJob {
        var endpoints = try self.endpoints(of: stream)
        let isUnbounded = endpoints.sources.parts.contains { !$0.isBounded }
        if stream.settings.time == nil, let timeless = endpoints.sources.parts.firstIndex(where: \.isBounded) {
            let call = stream.sources[timeless].call
            throw EvaluationError(
                .host(message: "\(call.name) gives its records no time; say with :time where it is"),
                at: call.range
            )
        }
        let planned = self.plan(stream)
        if let unset = planned.unsetParameters.first {
            throw EvaluationError(.unsetParameter(name: unset.name), at: unset.range)
        }
        let limits = self.recordLimits(memoryBytes: self.memoryBytes(stream.settings.memoryBytes))
        let compiled: CompiledStream
        do {
            compiled = try CompiledStream(
                planned,
                parallelism: min(self.threadCount, CompiledStream.keyGroupCount),
                memoryBytes: self.memoryBytes(stream.settings.memoryBytes),
                outOfOrdernessBound: isUnbounded ? Self.unboundedDisorder : 0,
                tableBytes: self.options.tableBytes,
                kernelsEnabled: self.options.kernelsEnabled,
                limits: limits
            )
        } catch {
            throw EvaluationError(.host(message: error.diagnostic.message), at: error.diagnostic.range)
        }
        endpoints.tables = try self.tables(compiled.tables)
        if compiled.keepsKeys { self.removeLeftovers() }
        let job = StreamJob(
            id: JobID(rawValue: "job-\(self.uuid().prefix(8))"),
            stream: compiled,
            endpoints: endpoints,
            source: self.source,
            options: try self.streamOptions(stream)
        )
        do {
            return try self.run(RunningJob(stream.name, definition: nil, job: job, observer: self.observer))
        } catch {
            throw EvaluationError(.host(message: "\(error)"), at: range)
        }
    }

    /// Milliseconds by which the records of a topic's partition may be out of order where nobody says.
    private static let unboundedDisorder: Int64 = 2_000

    /// A checkpoint by its directory.
    private static func checkpoint(
        _ path: String,
        at range: SourceRange
    ) throws(EvaluationError) -> (store: any CheckpointStore, number: Int64) {
        var path = path[...]
        while path.count > 1, path.last == "/" { path.removeLast() }
        let name = path.split(separator: "/").last ?? ""
        guard name.hasPrefix("checkpoint-"), let number = Int64(name.dropFirst("checkpoint-".count)) else {
            let message = "can't begin from '\(path)': the directory of a checkpoint is called checkpoint-N"
            throw EvaluationError(.host(message: message), at: range)
        }
        let parent = path.dropLast(name.count)
        return (DiskCheckpointStore(disk: LocalDisk(), directory: parent.isEmpty ? "." : String(parent)), number)
    }

    private func streamOptions(_ stream: StreamDefinition) throws(EvaluationError) -> StreamOptions {
        let streaming = self.options.streaming
        var options = StreamOptions()
        if let directory = streaming.stateDirectory {
            let path = "\(directory)/\(stream.name)"
            options.store = DiskCheckpointStore(disk: LocalDisk(), directory: path)
            options.stateDirectory = path
        }
        options.checkpoints.interval = streaming.checkpointInterval
        options.checkpoints.timeout = streaming.checkpointTimeout
        options.checkpoints.minimumPause = streaming.minimumPause
        options.checkpoints.alignmentTimeout = streaming.alignmentTimeout
        options.checkpoints.retainedCount = streaming.retainedCheckpoints
        options.resumes = streaming.resumes
        if let beginning = streaming.beginning { options.beginning = try Self.checkpoint(beginning, at: stream.range) }
        options.untilIdle = streaming.untilIdle
        options.drains = streaming.drains
        options.allowsDrop = streaming.allowsDrop
        options.allowsDuplicates = streaming.allowsDuplicates
        return options
    }

    private func endpoints(of stream: StreamDefinition) throws(EvaluationError) -> StreamEndpoints {
        var deadLetters: (any StreamSink)?
        if case .deadLetter(let call) = stream.settings.onError { deadLetters = try self.streamSink(call) }
        var parts: [StreamSources.Part] = []
        for source in stream.sources {
            do {
                let made = try self.connectors.makeSource(source.call.settings(overwriting: false))
                parts.append(StreamSources.Part(name: source.name, source: made))
            } catch {
                throw EvaluationError(.host(message: error.message), at: source.call.range)
            }
        }
        let output = try self.streamSink(stream.output ?? .standardOutput(at: stream.range))
        let alerts = try self.streamSink(stream.settings.alerts ?? .standardOutput(at: stream.range))
        var late: (any StreamSink)?
        if let call = stream.settings.late { late = try self.streamSink(call) }
        var sides: [StreamEndpoints.Side] = []
        for side in stream.settings.sides {
            sides.append(StreamEndpoints.Side(name: side.name, sink: try self.streamSink(side.sink)))
        }
        return StreamEndpoints(
            sources: StreamSources(parts),
            sink: output,
            alerts: alerts,
            late: late,
            deadLetters: deadLetters,
            sides: sides,
            spill: self.makeSpillStore(),
            cold: self.makeColdTier()
        )
    }

    /// What the tables of a stream are read from.
    private func tables(_ calls: [ConnectorCall]) throws(EvaluationError) -> [StreamEndpoints.Table] {
        var tables: [StreamEndpoints.Table] = []
        for call in calls {
            do {
                let definition = try TableDefinition(call)
                let source = try self.connectors.makeSource(definition.source.settings(overwriting: false))
                tables.append(StreamEndpoints.Table(definition, source: source))
            } catch let error as ConnectorError {
                throw EvaluationError(.host(message: error.message), at: call.range)
            } catch let error as JobDefinitionError {
                let text = error.problems.map(\.message).joined(separator: "; ")
                throw EvaluationError(.host(message: text), at: call.range)
            } catch {
                throw EvaluationError(.host(message: "\(error)"), at: call.range)
            }
        }
        return tables
    }

    private func streamSink(_ call: ConnectorCall) throws(EvaluationError) -> any StreamSink {
        do {
            return try self.connectors.makeStreamSink(call.settings(overwriting: self.options.overwritesOutput))
        } catch {
            throw EvaluationError(.host(message: error.message), at: call.range)
        }
    }
}

extension ConnectorCall {
    fileprivate static func standardOutput(at range: SourceRange) -> ConnectorCall {
        ConnectorCall(name: "stdout", arguments: [], options: [], range: range)
    }
}
