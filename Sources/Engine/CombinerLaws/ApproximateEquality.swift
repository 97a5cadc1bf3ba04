package import FluentSyntax

/// Equality of results that may have been computed in another order.
///
/// Numbers are compared by value, floats to nine digits of the largest number in sight: what is added in another order
/// is rounded in another way, and what nearly cancels out keeps the error of what it was made of.
package struct ApproximateEquality: Sendable {
    private let tolerance: Double

    private static let relativeTolerance = 1e-9

    /// - Parameter constants: The values that the results were made of, and the results.
    package init(scaledTo constants: [Constant]) {
        let largest = constants.map(Self.magnitude).max() ?? 0
        self.tolerance = largest.isFinite ? Self.relativeTolerance * largest : 0
    }

    package func areEqual(_ left: Constant, _ right: Constant) -> Bool {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): left == right
        case (.integer(let left), .float(let right)): self.areEqual(Double(left), right)
        case (.float(let left), .integer(let right)): self.areEqual(left, Double(right))
        case (.float(let left), .float(let right)): self.areEqual(left, right)
        case (.list(let left), .list(let right)): self.areEqual(left, right)
        case (.set(let left), .set(let right)): self.areSame(left, right)
        case (.map(let left), .map(let right)):
            self.areSame(left.map { .list([$0.key, $0.value]) }, right.map { .list([$0.key, $0.value]) })
        case (.keyword(let keyword), .string(let bytes)), (.string(let bytes), .keyword(let keyword)):
            Array(keyword.utf8) == bytes
        default: left == right
        }
    }

    private func areEqual(_ left: Double, _ right: Double) -> Bool {
        left == right || (left.isNaN && right.isNaN) || abs(left - right) <= self.tolerance
    }

    private func areEqual(_ left: [Constant], _ right: [Constant]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { self.areEqual($0, $1) }
    }

    /// Whether each constant has its counterpart, in any order.
    package func areSame(_ left: [Constant], _ right: [Constant]) -> Bool {
        guard left.count == right.count else { return false }
        var rest = right
        for constant in left {
            guard let index = rest.firstIndex(where: { self.areEqual(constant, $0) }) else { return false }
            rest.remove(at: index)
        }
        return true
    }

    private static func magnitude(_ constant: Constant) -> Double {
        switch constant {
        case .integer(let value): abs(Double(value))
        case .float(let value): abs(value)
        case .list(let elements), .set(let elements): elements.map(self.magnitude).max() ?? 0
        case .map(let entries): entries.map { self.magnitude($0.value) }.max() ?? 0
        case .nil, .boolean, .string, .symbol, .keyword, .regex, .builtin, .function, .connector: 0
        }
    }
}
