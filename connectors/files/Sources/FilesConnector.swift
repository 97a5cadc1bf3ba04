public import ConnectorKit

/// Files and directories: `distributed-files` reads them, `distributed-path` writes them.
public struct FilesConnector: ConnectorFactory {
    public let names = ["distributed-files", "distributed-path"]

    public init() {}

    public func makeSource(_ call: ConnectorSettings) throws(ConnectorError) -> (any Source)? {
        guard call.name == "distributed-files" else { return nil }
        try call.checkOptions(["format", "recursive"])
        return FilesSource(patterns: try call.texts("a path or a pattern"), isRecursive: try call.boolean("recursive"))
    }

    public func makeSink(_ call: ConnectorSettings) throws(ConnectorError) -> (any Sink)? {
        guard let (path, options) = try self.output(call) else { return nil }
        guard options.directories == nil else {
            throw call.error("option :directories is for streams, whose records have event times; leave it out")
        }
        return PathSink(path: path, options: options)
    }

    public func makeStreamSink(_ call: ConnectorSettings) throws(ConnectorError) -> (any StreamSink)? {
        try self.output(call).map { PathStreamSink(path: $0, options: $1) }
    }

    /// What a `distributed-path` says.
    private func output(_ call: ConnectorSettings) throws(ConnectorError) -> (String, PathSinkOptions)? {
        guard call.name == "distributed-path" else { return nil }
        try call.checkOptions(["compression", "directories", "durable", "format", "overwrite", "sorted"])
        let paths = try call.texts("the path of a directory")
        guard let path = paths.first, paths.count == 1 else { throw call.error("it takes one path") }
        // Sorting and formatting are the engine's: here it only matters that they are spelled right.
        _ = try call.boolean("sorted")
        let compression = try call.choice("compression", among: ["none", "zstd"])
        let directories = try call.choice("directories", among: DatedDirectories.allCases.map(\.rawValue))
        let options = PathSinkOptions(
            replacesOutput: try call.boolean("overwrite") ?? false,
            compresses: compression == "zstd",
            isDurable: try call.boolean("durable") ?? false,
            directories: directories.flatMap(DatedDirectories.init)
        )
        return (FileFinder.normalised(path), options)
    }
}
