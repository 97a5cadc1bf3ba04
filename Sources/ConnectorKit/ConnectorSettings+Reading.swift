extension ConnectorSettings {
    /// Checks that the program used no option but these.
    ///
    /// Names come without the colon.
    ///
    /// - Throws: An option isn't known; the message names the nearest one and lists all.
    public func checkOptions(_ known: [String]) throws(ConnectorError) {
        for option in self.options.keys.sorted() where !known.contains(option) {
            let nearest = NearestName.of(option, among: known).map { "; did you mean :\($0)?" } ?? "."
            let list = known.sorted().map { ":\($0)" }.joined(separator: ", ")
            throw self.error("unknown option :\(option)\(nearest) It takes \(known.isEmpty ? "no options" : list)")
        }
    }

    /// The strings among the arguments, those in lists included.
    ///
    /// `what`: What an argument is, for the message: `a path`.
    ///
    /// - Throws: There is none, one is empty, or one isn't a string.
    public func texts(_ what: String) throws(ConnectorError) -> [String] {
        var texts: [String] = []
        for argument in self.arguments {
            switch argument {
            case .string(let text):
                texts.append(text)
            case .list(let elements):
                for element in elements {
                    guard case .string(let text) = element else {
                        throw self.error("each argument must be \(what), and one isn't a string")
                    }
                    texts.append(text)
                }
            case .nil, .boolean, .integer, .float, .map:
                throw self.error("each argument must be \(what), and one isn't a string")
            }
        }
        guard !texts.isEmpty, !texts.contains("") else { throw self.error("it needs \(what), and got none") }
        return texts
    }

    /// A true-or-false option; nil where the program doesn't have it.
    public func boolean(_ option: String) throws(ConnectorError) -> Bool? {
        switch self.options[option] {
        case nil, .nil: return nil
        case .boolean(let value): return value
        default: throw self.error("option :\(option) must be true or false")
        }
    }

    /// An integer option within a range; nil where the program doesn't have it.
    public func integer(_ option: String, in range: ClosedRange<Int64>) throws(ConnectorError) -> Int64? {
        switch self.options[option] {
        case nil, .nil:
            return nil
        case .integer(let value) where range.contains(value):
            return value
        default:
            throw self.error("option :\(option) must be an integer from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    /// An option that takes one of several words; nil where the program doesn't have it.
    public func choice(_ option: String, among words: [String]) throws(ConnectorError) -> String? {
        switch self.options[option] {
        case nil, .nil:
            return nil
        case .string(let word) where words.contains(word):
            return word
        default:
            let list = words.map { "'\($0)" }.joined(separator: ", ")
            throw self.error("option :\(option) must be one of \(list)")
        }
    }

    /// An error about this call.
    public func error(_ problem: String, file: String = #fileID, line: Int = #line) -> ConnectorError {
        ConnectorError(.user, retry: .never, "can't use (\(self.name) …): \(problem)", file: file, line: line)
    }
}

/// Finds what somebody may have meant.
public enum NearestName {
    /// - Returns: The nearest of `names`, or nil where none is near: within a third of the length, at least 1 edit.
    public static func of(_ name: String, among names: [String]) -> String? {
        let limit = max(1, name.count / 3)
        var best: (name: String, distance: Int)?
        for candidate in names.sorted() {
            let distance = self.distance(Array(name), Array(candidate))
            if distance <= limit, distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// How many characters must be inserted, removed, replaced or swapped with their neighbours.
    ///
    /// - Complexity: O(left × right); both are names that a person typed.
    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (index, character) in left.enumerated() {
            var row = [index + 1]
            for (column, other) in right.enumerated() {
                var least = min(last[column] + (character == other ? 0 : 1), last[column + 1] + 1, row[column] + 1)
                if index > 0, column > 0, character == right[column - 1], left[index - 1] == other {
                    least = min(least, beforeLast[column - 1] + 1)
                }
                row.append(least)
            }
            (beforeLast, last) = (last, row)
        }
        return last[right.count]
    }
}
