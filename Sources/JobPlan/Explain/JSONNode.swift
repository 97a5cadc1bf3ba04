import FluentSyntax

/// A JSON document whose objects keep the order of their members.
package indirect enum JSONNode: Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case string(String)
    case array([JSONNode])
    case object([Member])

    package struct Member: Hashable, Sendable {
        package let name: String
        package let value: JSONNode

        package init(_ name: String, _ value: JSONNode) {
            self.name = name
            self.value = value
        }
    }

    static func count(_ value: Int) -> JSONNode {
        .integer(Int64(value))
    }

    /// The document, indented by two spaces a level.
    package func text(indentation: Int = 0) -> String {
        switch self {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .string(let value): Self.quoted(value)
        case .array(let elements):
            Self.block("[", elements.map { $0.text(indentation: indentation + 2) }, "]", indentation)
        case .object(let members):
            Self.block(
                "{",
                members.map { "\(Self.quoted($0.name)): \($0.value.text(indentation: indentation + 2))" },
                "}",
                indentation
            )
        }
    }

    private static func block(_ open: String, _ lines: [String], _ close: String, _ indentation: Int) -> String {
        guard !lines.isEmpty else { return open + close }
        let inner = String(repeating: " ", count: indentation + 2)
        let outer = String(repeating: " ", count: indentation)
        return "\(open)\n\(inner)\(lines.joined(separator: ",\n\(inner)"))\n\(outer)\(close)"
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.isControl:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
