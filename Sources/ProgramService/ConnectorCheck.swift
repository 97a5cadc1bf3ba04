package import ConnectorKit
internal import CoreTypes
package import FluentSyntax

/// Checks source and sink calls of a program by what their connectors declare.
package struct ConnectorCheck: ConnectorChecking {
    private let declarations: [ConnectorDeclaration]
    private let defaults: Set<String>?

    /// - Parameters:
    ///   - declarations: Of the connectors that programs may use.
    ///   - defaults: The names of the settings that would be given for a whole run, to warn of those that would be missing;
    ///     nil: they aren't known, and nothing is said.
    package init(_ declarations: [ConnectorDeclaration], defaults: Set<String>? = nil) {
        self.declarations = declarations
        self.defaults = defaults
    }

    package func givesTime(_ name: String) -> Bool {
        let sources = self.declarations.filter { $0.name == name && $0.roles.contains(.streamSource) }
        return sources.isEmpty || sources.contains(where: \.givesTime)
    }

    package func problems(with use: ConnectorUse) -> [ConnectorProblem] {
        let named = (self.declarations + ConnectorDeclaration.csv).filter { $0.name == use.name }
        guard !named.isEmpty else { return [] }
        let fitting = use.role.map { role in named.filter { $0.roles.contains(role) } } ?? named
        guard !fitting.isEmpty else { return use.role.map { [self.refusal(of: use.name, as: $0, named)] } ?? [] }
        let call = KnownSettings(use)
        // Who doesn't say what it is for is right if it is for anything.
        let found = fitting.map { $0.problems(with: call) }
        let fewest = found.min { $0.count < $1.count } ?? []
        guard fewest.isEmpty, let defaults = self.defaults else {
            return fewest.map { ConnectorProblem($0, about: use.name) }
        }
        let unmet = fitting.map { $0.unmetNeeds(of: call, defaults: defaults) }.min { $0.count < $1.count } ?? []
        return unmet.map { ConnectorProblem($0, about: use.name, isWarning: true) }
    }

    /// Why no job can use a connector so.
    private func refusal(of name: String, as role: ConnectorRole, _ named: [ConnectorDeclaration]) -> ConnectorProblem {
        let roles = named.flatMap(\.roles)
        let right = Set(self.declarations.filter { $0.roles.contains(role) }.map { "(\($0.name) …)" }).sorted()
        var help = "right are \(right.joined(separator: ", "))"
        let message: String
        if !roles.contains(where: { $0.isSource == role.isSource }) {
            message = "\(name) can't be \(role.isSource ? "read" : "written")"
        } else if role == .batchSource || role == .batchSink {
            let isSource = role == .batchSource
            message = "\(name) is for streams: a job that ends can't \(isSource ? "read" : "write") it"
            help = "write define-streaming-job or define-stream-processor; here \(help)"
        } else {
            message = "\(name) is for jobs that end: a stream can't \(role.isSource ? "read" : "write") it"
        }
        return ConnectorProblem(.call, code: SettingProblem.Kind.optionType.rawValue, message, help: help)
    }
}

extension KnownSettings {
    fileprivate init(_ use: ConnectorUse) {
        self.init(
            name: use.name,
            arguments: use.arguments.map { SettingValue.known($0) },
            options: use.options.mapValues { SettingValue.known($0) }
        )
    }
}

extension ConnectorProblem {
    fileprivate init(_ problem: SettingProblem, about name: String, isWarning: Bool = false) {
        let place: ConnectorProblem.Place =
            switch problem.place {
            case .call: .call
            case .argument(let index): .argument(index)
            case .optionName(let option): .optionName(option)
            case .optionValue(let option): .optionValue(option)
            }
        let sentence = problem.sentence(about: name)
        self.init(place, code: problem.kind.rawValue, sentence, help: problem.help, isWarning: isWarning)
    }
}

extension SettingValue {
    /// Nil where it isn't known.
    fileprivate static func known(_ value: ConnectorUse.Value) -> SettingValue? {
        switch value {
        case .unknown: nil
        case .constant(let constant): SettingValue(constant)
        case .function: .other(TypeName.function)
        case .call(let name): .call(name)
        }
    }

    init(_ constant: Constant) {
        switch constant {
        case .nil: self = .nil
        case .regex: self = .other(TypeName.regex)
        case .set: self = .other(TypeName.set)
        case .builtin, .function: self = .other(TypeName.function)
        case .connector(let call): self = .call(call.name)
        case .boolean(let value): self = .boolean(value)
        case .integer(let value): self = .integer(value)
        case .float(let value): self = .float(value)
        case .string(let bytes): self = .string(String(decoding: bytes, as: UTF8.self))
        case .symbol(let text), .keyword(let text): self = .string(text)
        case .list(let elements): self = .list(elements.map { SettingValue($0) })
        case .map(let entries):
            var values: [String: SettingValue] = [:]
            for entry in entries {
                if case .string(let name) = SettingValue(entry.key) { values[name] = SettingValue(entry.value) }
            }
            self = .map(values)
        }
    }
}
