import CoreTypes
import FluentSyntax

extension Rewrite {
    /// What was done or not, why, and about which place.
    func line(in source: SourceFile) -> String {
        let place = self.range.map { range in
            let location = source.location(of: range.start)
            return " at \(location.line):\(location.column)"
        }
        return "\(self.isApplied ? "+" : "-") \(self.name.rawValue): \(self.reason)\(place ?? "")"
    }

    func node(in source: SourceFile) -> JSONNode {
        .object([
            .init("name", .string(self.name.rawValue)),
            .init("applied", .boolean(self.isApplied)),
            .init("reason", .string(self.reason)),
            .init("place", source.node(for: self.range)),
        ])
    }
}

extension SourceFile {
    /// Where a range begins; null for none.
    func node(for range: SourceRange?) -> JSONNode {
        guard let range else { return .null }
        let location = self.location(of: range.start)
        return .object([
            .init("file", .string(self.name)),
            .init("line", .count(location.line)),
            .init("column", .count(location.column)),
        ])
    }
}

extension ErrorPolicy {
    var summary: String {
        switch self {
        case .fail: "fail"
        case .skip: "skip"
        case .deadLetter(let sink): "dead-letter to \(ExpressionPrinter().text(sink))"
        }
    }
}
