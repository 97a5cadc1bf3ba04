package import CoreTypes
package import FluentSyntax

/// What is known about a value before anything runs: enough to make values like it.
package indirect enum ValueShape: Hashable, Sendable {
    /// Exactly this.
    case constant(Constant)
    case integer
    case float
    /// An integer or a float.
    case number
    case string
    case boolean
    /// A list of so many values, each with its own shape.
    case tuple([ValueShape])
    case list(ValueShape)
    case map([Entry])
    case anyOf([ValueShape])
    case unknown

    /// A field of a map.
    package struct Entry: Hashable, Sendable {
        package let key: Constant
        package let value: ValueShape

        package init(_ key: Constant, _ value: ValueShape) {
            self.key = key
            self.value = value
        }
    }

    /// One of several, each named once.
    package static func any(of shapes: [ValueShape]) -> ValueShape {
        var distinct: [ValueShape] = []
        for shape in shapes where !distinct.contains(shape) { distinct.append(shape) }
        return distinct.count == 1 ? distinct[0] : .anyOf(distinct)
    }

    /// Whether nothing about it is left open.
    package var isKnown: Bool {
        switch self {
        case .constant, .integer, .float, .number, .string, .boolean: true
        case .tuple(let shapes), .anyOf(let shapes): shapes.allSatisfy(\.isKnown)
        case .list(let element): element.isKnown
        case .map(let entries): entries.allSatisfy(\.value.isKnown)
        case .unknown: false
        }
    }

    /// The shape with everything that is left open filled in.
    package func filled(with shape: ValueShape) -> ValueShape {
        switch self {
        case .unknown: shape
        case .tuple(let shapes): .tuple(shapes.map { $0.filled(with: shape) })
        case .anyOf(let shapes): .any(of: shapes.map { $0.filled(with: shape) })
        case .list(let element): .list(element.filled(with: shape))
        case .map(let entries): .map(entries.map { Entry($0.key, $0.value.filled(with: shape)) })
        case .constant, .integer, .float, .number, .string, .boolean: self
        }
    }

    /// What people call values of the shape: `integer`, `[string number]`.
    package var name: String {
        switch self {
        case .constant(let constant): ExpressionPrinter().text(constant)
        case .integer: "integer"
        case .float: "float"
        case .number: "number"
        case .string: "string"
        case .boolean: "boolean"
        case .tuple(let shapes): "[\(shapes.map(\.name).joined(separator: " "))]"
        case .list(let element): "list of \(element.name)s"
        case .map(let entries):
            "{\(entries.map { "\(ExpressionPrinter().text($0.key)) \($0.value.name)" }.joined(separator: " "))}"
        case .anyOf(let shapes): shapes.map(\.name).joined(separator: " or ")
        case .unknown: "value"
        }
    }
}

extension ValueShape {
    /// Made-up lists are shorter than this.
    private static let listCountLimit = 4
    private static let words = ["", "a", "b", "ab", "ba", "word", "Word", "é", "a b", "10", "9", "-1"]

    /// A value of the shape: mostly a small one, negative ones and zeros among them; floats are finite.
    package func makeValue(_ random: inout SplitMix64) -> Constant {
        switch self {
        case .constant(let constant): constant
        case .integer: .integer(Self.integer(&random))
        case .float: .float(Self.float(&random))
        case .number: random.chance(percent: 50) ? .integer(Self.integer(&random)) : .float(Self.float(&random))
        case .string: .string(Array(Self.words[random.next(in: 0..<Self.words.count)].utf8))
        case .boolean: .boolean(random.chance(percent: 50))
        case .tuple(let shapes): .list(shapes.map { $0.makeValue(&random) })
        case .list(let element):
            .list((0..<random.next(in: 0..<Self.listCountLimit)).map { _ in element.makeValue(&random) })
        case .map(let entries): .map(entries.map { ConstantEntry($0.key, $0.value.makeValue(&random)) })
        case .anyOf(let shapes): shapes[random.next(in: 0..<shapes.count)].makeValue(&random)
        case .unknown: .integer(Self.integer(&random))
        }
    }

    private static func integer(_ random: inout SplitMix64) -> Int64 {
        switch random.next(in: 0..<10) {
        case 0..<7: Int64(random.next(in: -9..<10))
        case 7..<9: Int64(random.next(in: -1_000..<1_001))
        default: Int64(random.next(in: -1_000_000..<1_000_001))
        }
    }

    /// Quarters, which binary fractions hold exactly, and tenths, which they don't.
    private static func float(_ random: inout SplitMix64) -> Double {
        switch random.next(in: 0..<10) {
        case 0..<5: Double(random.next(in: -40..<41)) / 4
        case 5..<9: Double(random.next(in: -10_000..<10_001)) / 10
        default: Double(random.next(in: -1_000_000_000..<1_000_000_001)) / 100
        }
    }
}
