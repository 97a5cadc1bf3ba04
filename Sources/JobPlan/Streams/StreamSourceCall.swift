package import FluentSyntax

/// One source of a stream: its only one, or a part of a `union`.
package struct StreamSourceCall: Sendable {
    /// What the program calls it, empty where it has no name: `eu` in `(union … :eu SOURCE)`, `eu:cards` where that source
    /// is a union with `:cards`.
    package let name: String

    /// No union.
    package let call: ConnectorCall
}

extension StreamDefinition {
    /// The sources that it reads, in the order of the program.
    package var sources: [StreamSourceCall] { StreamSourceCall.parts(of: self.input) }
}

extension StreamSourceCall {
    /// The constructor of several sources as one.
    static let union = "union"

    /// The most sources that one stream reads.
    static let countLimit = 256

    /// What a source consists of; anything in a union that is no source is left out.
    static func parts(of call: ConnectorCall, name: String = "") -> [StreamSourceCall] {
        guard call.name == Self.union else { return [StreamSourceCall(name: name, call: call)] }
        let plain = call.arguments.compactMap(\.call).flatMap { Self.parts(of: $0, name: name) }
        let named = call.options.flatMap { option in
            let path = name.isEmpty ? option.name : "\(name):\(option.name)"
            return option.value.call.map { Self.parts(of: $0, name: path) } ?? []
        }
        return plain + named
    }
}

extension JobOptionReader {
    /// The format that all sources of a stream have.
    mutating func streamFormat(of input: ConnectorCall) -> RecordFormat {
        let fallback = self.values["format"]
        guard input.name == StreamSourceCall.union else {
            return self.format(of: input, fallback: fallback, standard: .json)
        }
        self.checkUnion(input)
        let parts = StreamSourceCall.parts(of: input)
        if parts.count > StreamSourceCall.countLimit {
            self.reportUnion("a stream reads \(parts.count) sources, \(StreamSourceCall.countLimit) are allowed", input)
        }
        let formats = parts.map { self.format(of: $0.call, fallback: fallback, standard: .json) }
        guard let first = formats.first else { return .json }
        if let other = formats.first(where: { $0 != first }) {
            let names = "one has \(first.name), another \(other.name)"
            self.reportUnion("the sources of a union have records of one format, and here \(names)", input)
        }
        return first
    }

    /// Reports what is in a union, and no source.
    private mutating func checkUnion(_ union: ConnectorCall) {
        for value in union.arguments + union.options.map(\.value) {
            guard let call = value.call else {
                self.reportUnion("a part of union must be a source, and is \(value.typeName)", union)
                continue
            }
            if call.name == StreamSourceCall.union { self.checkUnion(call) }
        }
    }

    private mutating func reportUnion(_ message: String, _ union: ConnectorCall) {
        let help = "write (union (kafka-topic \"clicks\") (distributed-files \"clicks/*.json\"))"
        self.problems.append(Diagnostic(.error, "option-value", message, help: help, at: union.range))
    }
}

extension Constant {
    /// The call of a source or sink that it is.
    fileprivate var call: ConnectorCall? {
        guard case .connector(let call) = self, StreamSetting(rawValue: call.name) == nil else { return nil }
        return call
    }
}
