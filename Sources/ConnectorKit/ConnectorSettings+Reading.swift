/// Reads what was declared and accepted: a value of another type counts as none.
extension ConnectorSettings {
    /// The texts among the arguments, those in lists included.
    public var texts: [String] { self.arguments.flatMap { $0.texts ?? [] } }

    /// A true-or-false option; nil where the program doesn't have it.
    public func boolean(_ option: String) -> Bool? {
        if case .boolean(let value) = self.options[option] { value } else { nil }
    }

    /// An integer option; nil where the program doesn't have it.
    public func integer(_ option: String) -> Int64? {
        if case .integer(let value) = self.options[option] { value } else { nil }
    }

    /// An option that is a text or a word; nil where the program doesn't have it.
    public func text(_ option: String) -> String? {
        if case .string(let value) = self.options[option] { value } else { nil }
    }

    /// The texts of an option that may have several; nil where the program doesn't have it.
    public func texts(_ option: String) -> [String]? {
        self.options[option]?.texts
    }

    /// An error about this call.
    public func error(_ problem: String, file: String = #fileID, line: Int = #line) -> ConnectorError {
        ConnectorError(.user, retry: .never, "can't use (\(self.name) …): \(problem)", file: file, line: line)
    }
}

/// Finds what somebody may have meant.
public enum NearestName {
    /// Longer texts aren't compared: nobody meant one of the names.
    private static let lengthLimit = 64

    /// - Returns: The nearest of `names`, or nil where none is near: within a third of the length, at least 1 edit.
    public static func of(_ name: String, among names: [String]) -> String? {
        guard name.utf8.count <= Self.lengthLimit else { return nil }
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
