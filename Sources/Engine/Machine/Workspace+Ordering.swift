internal import FluentSyntax

/// Sorting and grouping.
extension Workspace {
    mutating func performOrdering(_ builtin: Builtin, _ arguments: Elements) throws(Code) -> Value {
        switch builtin {
        case .sort:
            let elements = try self.elements(arguments[0], builtin)
            return try self.sorted(elements, by: elements, builtin)
        case .sortBy:
            // The compiler has called the function: its results come first.
            return try self.sorted(arguments[1].elements, by: arguments[0].elements, builtin)
        case .distinct:
            let elements = try self.elements(arguments[0], builtin)
            let list = try self.makeElements(elements.count)
            var table = EncodedKeySet()
            var count = 0
            for index in 0..<elements.count where try self.insert(elements[index], into: &table, builtin).isNew {
                list[count] = elements[index]
                count += 1
            }
            return Value(.list, of: list.slice(0, count))
        default:
            return try self.grouped(arguments[1].elements, by: arguments[0].elements)
        }
    }

    /// Elements in the order of their keys; of equal keys in their own.
    private mutating func sorted(
        _ elements: Elements,
        by keys: Elements,
        _ builtin: Builtin
    ) throws(Code) -> Value {
        let count = elements.count
        // About the comparisons of a merge sort.
        try self.count(count * (Int.bitWidth - count.leadingZeroBitCount))
        var walk = ValueWalk(stepsLeft: self.allStepsLeft)
        var failure: ValueWalkError?
        let order = (0..<count).sorted { left, right in
            guard failure == nil else { return left < right }
            do throws(ValueWalkError) {
                let order = try Value.compare(keys[left], keys[right], walk: &walk)
                return order == 0 ? left < right : order < 0
            } catch {
                failure = error
                return left < right
            }
        }
        if let failure { throw self.failure(failure, builtin) }
        self.allStepsLeft = walk.stepsLeft
        let list = try self.makeElements(count)
        for (index, source) in order.enumerated() { list[index] = elements[source] }
        return Value(.list, of: list)
    }

    /// A map from each key to the list of its elements.
    private mutating func grouped(_ elements: Elements, by keys: Elements) throws(Code) -> Value {
        var table = EncodedKeySet()
        var groups: [Int] = []
        var sizes: [Int] = []
        var firsts: [Int] = []
        for index in 0..<elements.count {
            let (group, isNew) = try self.insert(keys[index], into: &table, .groupBy)
            groups.append(group)
            if isNew {
                sizes.append(0)
                firsts.append(index)
            }
            sizes[group] += 1
        }
        let map = try self.makeElements(2 * sizes.count)
        for (group, size) in sizes.enumerated() {
            map[2 * group] = try self.key(keys[firsts[group]], .groupBy)
            map[2 * group + 1] = Value(.list, of: try self.makeElements(size))
            sizes[group] = 0
        }
        for index in 0..<elements.count {
            let group = groups[index]
            map[2 * group + 1].elements[sizes[group]] = elements[index]
            sizes[group] += 1
        }
        return Value(.map, of: map)
    }
}
