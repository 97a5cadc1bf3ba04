package import ConnectorKit
internal import FilesConnector
internal import GeneratorConnector
internal import KafkaConnector
internal import StdoutConnector

/// Every connector of this build: leaving a line out leaves the connector out.
package struct ConnectorCatalog: ConnectorResolver {
    package static let standard = ConnectorCatalog(defaults: [:])

    /// The connectors of this build; `defaults` are settings that programs leave out, by names like `kafka.brokers`.
    package init(defaults: [String: String]) {
        self.init([
            FilesConnector(),
            GeneratorConnector(),
            KafkaConnector(defaults: defaults),
            StdoutConnector(),
        ])
    }

    private let factories: [any ConnectorFactory]

    /// A catalogue of other connectors, for tests.
    package init(_ factories: [any ConnectorFactory]) {
        self.factories = factories
    }

    /// The constructors that programs may call, sorted.
    package var names: [String] {
        self.factories.flatMap(\.names).sorted()
    }

    /// What each of them may be called with.
    package var declarations: [ConnectorDeclaration] {
        self.factories.flatMap(\.declarations)
    }

    /// Makes the source that a program wrote.
    ///
    /// - Throws: No connector has that name, it is only a sink, or a setting is wrong.
    package func makeSource(_ call: ConnectorSettings) throws(ConnectorError) -> any Source {
        for factory in try self.factories(of: call, as: "source") {
            if let source = try factory.makeSource(call) { return source }
        }
        throw call.error("it is a sink, and can't be read")
    }

    /// Makes the sink that a program wrote.
    ///
    /// - Throws: No connector has that name, it is only a source, or a setting is wrong.
    package func makeSink(_ call: ConnectorSettings) throws(ConnectorError) -> any Sink {
        for factory in try self.factories(of: call, as: "sink") {
            if let sink = try factory.makeSink(call) { return sink }
        }
        throw call.error("it is a source, and can't be written")
    }

    /// Makes the sink that a program wrote for a stream.
    ///
    /// - Throws: As ``makeSink(_:)``, or no stream can write there.
    package func makeStreamSink(_ call: ConnectorSettings) throws(ConnectorError) -> any StreamSink {
        for factory in try self.factories(of: call, as: "sink") {
            if let sink = try factory.makeStreamSink(call) { return sink }
        }
        throw call.error("no stream can write there")
    }

    private func factories(
        of call: ConnectorSettings,
        as role: String
    ) throws(ConnectorError) -> [any ConnectorFactory] {
        let matching = self.factories.filter { $0.names.contains(call.name) }
        guard matching.isEmpty else { return matching }
        let nearest = NearestName.of(call.name, among: self.names).map { "; did you mean (\($0) …)?" } ?? "."
        let list = self.names.joined(separator: ", ")
        let message = "can't use (\(call.name) …) as a \(role): there is no such connector\(nearest) There are \(list)"
        throw ConnectorError(.user, retry: .never, message)
    }
}
