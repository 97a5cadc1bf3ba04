/// One form as it was written, with its place.
///
/// Comments aren't nodes: the formatter takes them from the text between nodes.
package struct SyntaxNode: Sendable {
    package indirect enum Kind: Sendable {
        case `nil`
        case boolean(Bool)
        case integer(Int64)
        case float(Double)
        /// The value after escapes.
        case string(String)
        /// The raw text between `#"` and `"`, with `\"` turned into `"`.
        case regex(String)
        /// Without the colon.
        case keyword(String)
        case symbol(String)
        /// `( … )`
        case list([SyntaxNode])
        /// `[ … ]`
        case vector([SyntaxNode])
        /// `{ … }`: keys and values in turn, an even number.
        case map([SyntaxNode])
        /// `'form`
        case quote(SyntaxNode)
    }

    package let kind: Kind
    package let range: SourceRange

    package init(_ kind: Kind, range: SourceRange) {
        self.kind = kind
        self.range = range
    }
}
