/// The types that the generator tells apart; the letter is how templates write them.
enum GrammarType: Character, CaseIterable {
    case integer = "I"
    case float = "F"
    case boolean = "B"
    case string = "S"
    case keyword = "K"
    /// A list of integers.
    case integers = "L"
    /// A list of strings.
    case strings = "W"
    /// Keywords or strings to integers.
    case map = "M"
    case set = "Z"
    case binaryFunction = "G"
    case any = "A"
    /// Evaluated for what it emits.
    case statement = "E"

    /// What `any` stands for.
    static let values: [GrammarType] = [
        .integer, .integer, .float, .boolean, .string, .string, .keyword, .integers, .strings, .map, .set,
    ]
}

/// A form with holes: `(let (($x <I>)) <S|$x:I>)` has a hole for an integer and one for a string that may use it.
struct GrammarTemplate {
    struct Binding {
        let name: String
        let type: GrammarType
    }

    enum Part {
        case text(String)
        /// A name that gets a fresh number at each use of the template.
        case name(String)
        case hole(GrammarType, [Binding])
    }

    let parts: [Part]

    init(_ template: String) {
        var parts: [Part] = []
        var rest = template[...]
        while let character = rest.first {
            if character == "<", let hole = Self.hole(rest) {
                parts.append(hole)
                rest = rest.drop { $0 != ">" }.dropFirst()
            } else if character == "$", rest.dropFirst().first?.isLetter == true {
                let name = rest.dropFirst().prefix { $0.isLetter }
                parts.append(.name(String(name)))
                rest = rest.dropFirst(name.count + 1)
            } else {
                let literal = rest.dropFirst().prefix { $0 != "<" && $0 != "$" }
                parts.append(.text(String(character) + literal))
                rest = rest.dropFirst(literal.count + 1)
            }
        }
        self.parts = parts
    }

    private static func hole(_ text: Substring) -> Part? {
        let inner = text.dropFirst().prefix { $0 != ">" }
        guard let letter = inner.first, let type = GrammarType(rawValue: letter) else { return nil }
        let bindings = inner.dropFirst(2).split(separator: ",").compactMap { binding -> Binding? in
            let pair = binding.split(separator: ":")
            guard pair.count == 2, let letter = pair[1].first, let type = GrammarType(rawValue: letter) else {
                return nil
            }
            return Binding(name: String(pair[0].dropFirst()), type: type)
        }
        return .hole(type, bindings)
    }
}
