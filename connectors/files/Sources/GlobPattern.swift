/// A path with wildcards, taken apart at its slashes.
///
/// | written  | matches                                                                    |
/// | -------- | -------------------------------------------------------------------------- |
/// | `*`      | any characters of one name, also none                                      |
/// | `?`      | one character                                                              |
/// | `[a-z_]` | one character of the set; `[!a-z]` or `[^a-z]` one that isn't in it        |
/// | `**`     | as a whole name: any number of directories, also none                      |
/// | `\x`     | the character x itself                                                     |
///
/// A wildcard at the start of a name matches neither `.` nor `_`: hidden files, and what jobs leave beside their
/// output (`_SUCCESS`). A pattern that begins with them says so.
struct GlobPattern: Hashable, Sendable {
    enum Component: Hashable, Sendable {
        case literal(String)
        case wildcard([Token])
        case anyDepth
    }

    enum Token: Hashable, Sendable {
        case character(Unicode.Scalar)
        case anyCharacter
        case anyCharacters
        case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)
    }

    let text: String
    let components: [Component]

    var isAbsolute: Bool { self.text.hasPrefix("/") }

    init(_ text: String) {
        self.text = text
        self.components = text.split(separator: "/").filter { $0 != "." }.map(Self.component)
    }

    private static func component(_ name: Substring) -> Component {
        if name == "**" { return .anyDepth }
        let tokens = self.tokens(Array(name.unicodeScalars))
        var literal = String.UnicodeScalarView()
        for token in tokens {
            guard case .character(let scalar) = token else { return .wildcard(tokens) }
            literal.append(scalar)
        }
        return .literal(String(literal))
    }

    private static func tokens(_ scalars: [Unicode.Scalar]) -> [Token] {
        var tokens: [Token] = []
        var index = 0
        while index < scalars.count {
            let scalar = scalars[index]
            index += 1
            switch scalar {
            case "*":
                if tokens.last != .anyCharacters { tokens.append(.anyCharacters) }
            case "?":
                tokens.append(.anyCharacter)
            case "[":
                if let (set, next) = self.set(scalars, from: index) {
                    tokens.append(set)
                    index = next
                } else {
                    // As in a shell, a bracket that nothing closes is a character.
                    tokens.append(.character(scalar))
                }
            case "\\" where index < scalars.count:
                tokens.append(.character(scalars[index]))
                index += 1
            default:
                tokens.append(.character(scalar))
            }
        }
        return tokens
    }

    /// Reads a set from behind its opening bracket.
    private static func set(_ scalars: [Unicode.Scalar], from start: Int) -> (Token, next: Int)? {
        var index = start
        let isNegated = index < scalars.count && (scalars[index] == "!" || scalars[index] == "^")
        if isNegated { index += 1 }
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        while index < scalars.count {
            // A closing bracket that comes first is a member.
            if scalars[index] == "]" && !ranges.isEmpty { return (.set(ranges, isNegated: isNegated), index + 1) }
            let low = scalars[index]
            if index + 2 < scalars.count, scalars[index + 1] == "-", scalars[index + 2] != "]" {
                let high = scalars[index + 2]
                ranges.append(min(low, high)...max(low, high))
                index += 3
            } else {
                ranges.append(low...low)
                index += 1
            }
        }
        return nil
    }
}

extension GlobPattern {
    /// Whether a name stays out of sight unless a pattern spells its first character.
    static func isHidden(_ name: String) -> Bool {
        name.hasPrefix(".") || name.hasPrefix("_")
    }

    /// Whether a name matches the tokens of one component.
    ///
    /// - Complexity: O(tokens × characters): a star is only ever widened, never tried again.
    static func matches(_ name: String, _ tokens: [Token]) -> Bool {
        if self.isHidden(name) {
            guard case .character? = tokens.first else { return false }
        }
        let scalars = name.unicodeScalars
        var position = scalars.startIndex
        var token = 0
        var star: (token: Int, position: String.Index)?
        while position < scalars.endIndex {
            if token < tokens.count, tokens[token] == .anyCharacters {
                star = (token, position)
                token += 1
            } else if token < tokens.count, self.matches(scalars[position], tokens[token]) {
                token += 1
                position = scalars.index(after: position)
            } else if let last = star {
                position = scalars.index(after: last.position)
                token = last.token + 1
                star = (last.token, position)
            } else {
                return false
            }
        }
        return tokens[token...].allSatisfy { $0 == .anyCharacters }
    }

    private static func matches(_ scalar: Unicode.Scalar, _ token: Token) -> Bool {
        switch token {
        case .character(let wanted): scalar == wanted
        case .anyCharacter: true
        case .anyCharacters: false
        case .set(let ranges, let isNegated): ranges.contains { $0.contains(scalar) } != isNegated
        }
    }
}
