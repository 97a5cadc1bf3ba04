/// Finds what somebody probably meant.
enum NearestName {
    /// The candidate with the smallest edit distance to `name`, if it is small enough to be a slip; of several, the
    /// first in alphabetical order.
    static func find(_ name: String, among candidates: some Sequence<String>) -> String? {
        let target = Array(name.utf8)
        guard target.count >= self.lengthMinimum, target.count <= self.lengthLimit else { return nil }
        let limit = target.count / 3
        var best: (distance: Int, name: String)?
        for candidate in candidates where candidate != name {
            let bytes = Array(candidate.utf8)
            guard abs(bytes.count - target.count) <= limit else { continue }
            let distance = self.distance(target, bytes)
            guard distance <= limit else { continue }
            if let found = best, (found.distance, found.name) <= (distance, candidate) { continue }
            best = (distance, candidate)
        }
        return best?.name
    }

    /// Every shorter name is near to some other one.
    private static let lengthMinimum = 3
    /// Names longer than this aren't compared.
    private static let lengthLimit = 64

    /// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
    ///
    /// Source: Damerau 1964, in its restricted form.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            current.reserveCapacity(right.count + 1)
            for column in right.indices {
                let cost = left[row] == right[column] ? 0 : 1
                var best = min(previous[column] + cost, previous[column + 1] + 1, current[column] + 1)
                let isSwap =
                    row > 0 && column > 0 && left[row] == right[column - 1] && left[row - 1] == right[column]
                if isSwap { best = min(best, beforePrevious[column - 1] + 1) }
                current.append(best)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
