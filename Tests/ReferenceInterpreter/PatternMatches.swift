import FluentSyntax
import RegularExpressions

/// One match of a pattern: the byte ranges of its groups, the whole first.
struct PatternMatch {
    let groups: [Range<Int>?]

    var range: Range<Int> { self.groups[0] ?? 0..<0 }

    /// A group's text; nil when it took no part or doesn't exist.
    func text(_ index: Int, of text: Text) -> Text? {
        guard self.groups.indices.contains(index), let range = self.groups[index] else { return nil }
        return text.slice(range)
    }

    /// What the language shows: the text, or all groups if the pattern has any.
    func value(in text: Text) -> ReferenceValue {
        let values = self.groups.indices.map { index in
            self.text(index, of: text).map { ReferenceValue.string($0) } ?? .nil
        }
        return values.count == 1 ? values[0] : .list(values)
    }
}

extension BuiltinCall {
    /// The first match that begins at `offset` or later.
    func firstMatch(_ pattern: String, in text: Text, from offset: Int) throws(EvaluationError) -> PatternMatch? {
        var matcher = RegularExpressionMatcher()
        return try self.firstMatch(try self.expression(pattern), in: text, from: offset, with: &matcher)
    }

    private func expression(_ pattern: String) throws(EvaluationError) -> RegularExpression {
        do throws(RegularExpressionError) {
            return try RegularExpression(pattern: Array(pattern.utf8))
        } catch {
            throw self.invalid(error.message)
        }
    }

    private func firstMatch(
        _ expression: RegularExpression,
        in text: Text,
        from offset: Int,
        with matcher: inout RegularExpressionMatcher
    ) throws(EvaluationError) -> PatternMatch? {
        let outcome = unsafe text.bytes.withUnsafeBufferPointer { bytes in
            unsafe matcher.findNext(expression, in: bytes, from: offset)
        }
        switch outcome {
        case .unmatched: return nil
        case .tooMuchWork: throw self.error(.regexLimit)
        case .matched: return PatternMatch(groups: (0...expression.groupCount).map { matcher.group($0) })
        }
    }

    /// All matches from left to right without overlaps; after an empty one the search goes on one unit later.
    func allMatches(_ pattern: String, in text: Text) throws(EvaluationError) -> [PatternMatch] {
        let expression = try self.expression(pattern)
        var matcher = RegularExpressionMatcher()
        var matches: [PatternMatch] = []
        var offset = 0
        while offset <= text.bytes.count,
            let match = try self.firstMatch(expression, in: text, from: offset, with: &matcher)
        {
            matches.append(match)
            offset = match.range.upperBound
            if match.range.isEmpty { offset += text.unitLength(at: offset) }
        }
        return matches
    }
}
