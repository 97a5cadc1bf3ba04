public import ConnectorKit
internal import CoreTypes

/// Files and directories: `distributed-files` reads them, `distributed-path` writes them.
public struct FilesConnector: ConnectorFactory {
    public let declarations = [
        ConnectorDeclaration(
            "distributed-files",
            as: [.batchSource, .streamSource],
            arguments: ArgumentsDeclaration("a path or a pattern", count: 1...Int.max),
            options: OptionDeclaration.readFormat() + [OptionDeclaration("recursive", .boolean)]
        ),
        Self.path(
            as: .batchSink,
            options: [
                OptionDeclaration.sorted,
                OptionDeclaration(
                    "directories",
                    .refused("it is for streams, whose records have event times; leave it out")
                ),
            ]
        ),
        Self.path(
            as: .streamSink,
            options: [
                OptionDeclaration("directories", .word(DatedDirectories.allCases.map(\.rawValue))),
                OptionDeclaration("sorted", .refused("only a job that ends can sort its output; leave it out")),
            ]
        ),
    ]

    private static func path(as role: ConnectorRole, options: [OptionDeclaration]) -> ConnectorDeclaration {
        ConnectorDeclaration(
            "distributed-path",
            as: [role],
            arguments: ArgumentsDeclaration("the path of a directory", count: 1...1),
            options: OptionDeclaration.writtenFormat + options + [
                OptionDeclaration("compression", .word(["none", "zstd"])), OptionDeclaration("durable", .boolean),
                OptionDeclaration("overwrite", .boolean),
            ]
        )
    }

    public init() {}

    public func makeSource(_ call: ConnectorSettings) throws(ConnectorError) -> (any Source)? {
        guard try self.accepts(call, as: .batchSource, .streamSource) else { return nil }
        return FilesSource(patterns: call.texts, isRecursive: call.boolean("recursive"))
    }

    public func makeSink(_ call: ConnectorSettings) throws(ConnectorError) -> (any Sink)? {
        guard try self.accepts(call, as: .batchSink), let path = call.texts.first else { return nil }
        return PathSink(path: FileFinder.normalised(path), options: Self.options(of: call))
    }

    public func makeStreamSink(_ call: ConnectorSettings) throws(ConnectorError) -> (any StreamSink)? {
        guard try self.accepts(call, as: .streamSink), let path = call.texts.first else { return nil }
        return PathStreamSink(path: FileFinder.normalised(path), options: Self.options(of: call))
    }

    /// Sorting and formatting are the engine's.
    private static func options(of call: ConnectorSettings) -> PathSinkOptions {
        PathSinkOptions(
            replacesOutput: call.boolean("overwrite") ?? false,
            compresses: call.text("compression") == "zstd",
            isDurable: call.boolean("durable") ?? false,
            directories: call.text("directories").flatMap(DatedDirectories.init)
        )
    }
}
