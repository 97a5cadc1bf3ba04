import ArgumentParser
import FluentSyntax
import JobPlan

/// `name=value`, as `-D` takes it.
struct ParameterDefinition: Hashable, Sendable {
    let name: String
    let value: String

    /// - Throws: There is no name or no `=`.
    static func parse(_ text: String) throws -> ParameterDefinition {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else {
            throw ValidationError("a parameter is written name=value, as in -D input=books/emma.txt")
        }
        return ParameterDefinition(name: String(parts[0]), value: String(parts[1]))
    }

    /// Checks that none is given twice.
    ///
    /// - Throws: One is; the values are shown unless the name says that they are secret.
    static func checkUnique(_ definitions: [ParameterDefinition]) throws {
        var values: [String: String] = [:]
        for definition in definitions {
            guard let first = values.updateValue(definition.value, forKey: definition.name) else { continue }
            let name = definition.name
            let shown = Secret.isSecret(name) ? "" : ", as '\(first)' and as '\(definition.value)'"
            throw ValidationError("the parameter -D \(name)=… is given twice\(shown); give it once")
        }
    }
}

/// Sizes and counts as options take them.
enum OptionValue {
    static let parallelismRange = 1...256
    static let memoryMinimum: Int64 = 16 << 20
    static let recordMemoryMinimum: Int64 = 1 << 10
    static let tableMemoryMinimum: Int64 = 64
    static let stepMaximum = 1_000_000_000_000

    static func parallelism(_ text: String) throws -> Int {
        let range = self.parallelismRange
        guard let value = Int(text), range.contains(value) else {
            throw ValidationError("the number of threads is from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    static func memory(_ text: String) throws -> Int64 {
        try self.size(text, minimum: self.memoryMinimum)
    }

    static func tableMemory(_ text: String) throws -> Int64 {
        try self.size(text, minimum: self.tableMemoryMinimum)
    }

    static func recordMemory(_ text: String) throws -> Int64 {
        try self.size(text, minimum: self.recordMemoryMinimum)
    }

    static func steps(_ text: String) throws -> Int {
        guard let value = Int(text.filter { $0 != "_" }), (1...self.stepMaximum).contains(value) else {
            throw ValidationError("the number of steps is from 1 to \(self.stepMaximum)")
        }
        return value
    }

    private static func size(_ text: String, minimum: Int64) throws -> Int64 {
        guard let bytes = MemorySize.bytes(of: text) else {
            throw ValidationError("a size is a number and a unit, as in 512MiB, 2GiB or 500MB")
        }
        guard bytes >= minimum else {
            throw ValidationError("it is too little to work with; give at least \(MemorySize.text(of: minimum))")
        }
        return bytes
    }
}
