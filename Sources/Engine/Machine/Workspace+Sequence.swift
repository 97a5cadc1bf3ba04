internal import FluentSyntax

/// Sequences.
extension Workspace {
    mutating func performSequence(_ builtin: Builtin, _ arguments: Elements) throws(Code) -> Value {
        switch builtin {
        case .list:
            let elements = try self.makeElements(arguments.count)
            elements.copy(arguments)
            return Value(.list, of: elements)
        case .count: return try self.countElements(arguments[0])
        case .first, .last, .nth: return try self.element(builtin, arguments)
        case .rest:
            let elements = try self.elements(arguments[0], builtin)
            return Value(.list, of: elements.slice(min(1, elements.count), elements.count))
        case .take, .drop:
            let count = try self.integer(arguments[0], builtin)
            let elements = try self.elements(arguments[1], builtin)
            let cut = Int(min(max(count, 0), Int64(elements.count)))
            return Value(.list, of: builtin == .take ? elements.slice(0, cut) : elements.slice(cut, elements.count))
        case .concat: return try self.concat(arguments)
        case .append:
            guard arguments[0].has(.nil) || arguments[0].has(.list) else {
                return try self.append(try self.elements(arguments[0], builtin), arguments)
            }
            let isNil = arguments[0].has(.nil)
            return try self.append(isNil ? try self.makeElements(0) : arguments[0].elements, arguments)
        case .cons:
            let elements = try self.elements(arguments[1], builtin)
            let list = try self.makeElements(elements.count + 1)
            list[0] = arguments[0]
            list.copy(elements, to: 1)
            return Value(.list, of: list)
        case .reverse:
            let elements = try self.elements(arguments[0], builtin)
            let list = try self.makeElements(elements.count)
            for index in 0..<elements.count { list[elements.count - 1 - index] = elements[index] }
            return Value(.list, of: list)
        case .range: return try self.makeRange(arguments)
        default: return try self.zip(arguments)
        }
    }

    private mutating func append(_ elements: Elements, _ arguments: Elements) throws(Code) -> Value {
        let added = arguments.slice(1, arguments.count)
        let grown = try self.longer(elements, by: added.count)
        grown.copy(added, to: elements.count)
        return Value(.list, of: grown)
    }

    private mutating func countElements(_ value: Value) throws(Code) -> Value {
        switch value.tag {
        case .string:
            try self.count(value.count / 64)
            return Value(Int64(value.text.unitCount))
        case .list, .set, .map: return Value(Int64(value.count))
        case .nil: return Value(Int64(0))
        default: throw self.mismatch(.count, TypeName.sequence, value)
        }
    }

    private mutating func element(_ builtin: Builtin, _ arguments: Elements) throws(Code) -> Value {
        let sequence = arguments[0]
        // What is already a list isn't counted by its length for one element.
        let elements = sequence.has(.list) ? sequence.elements : try self.elements(sequence, builtin)
        switch builtin {
        case .first: return elements.count > 0 ? elements[0] : .nil
        case .last: return elements.count > 0 ? elements[elements.count - 1] : .nil
        default:
            let index = try self.integer(arguments[1], builtin)
            if index >= 0, index < Int64(elements.count) { return elements[Int(index)] }
            if arguments.count == 3 { return arguments[2] }
            throw .indexOutOfRange(operation: builtin.name, index: index, count: Int64(elements.count))
        }
    }

    private mutating func concat(_ arguments: Elements) throws(Code) -> Value {
        var total = 0
        for index in 0..<arguments.count {
            guard Self.isSequence(arguments[index]) else {
                throw self.mismatch(.concat, TypeName.sequence, arguments[index])
            }
            total += arguments[index].has(.nil) ? 0 : arguments[index].count
        }
        let list = try self.makeElements(total)
        var offset = 0
        for index in 0..<arguments.count {
            let elements = try self.elements(arguments[index], .concat)
            list.copy(elements, to: offset)
            offset += elements.count
        }
        return Value(.list, of: list)
    }

    /// The bounds of `range`: types, then the step are checked.
    func range(_ arguments: Elements) throws(Code) -> (start: Int64, end: Int64, step: Int64) {
        var numbers: [Int64] = []
        for index in 0..<arguments.count { numbers.append(try self.integer(arguments[index], .range)) }
        if numbers.count == 1 { return (0, numbers[0], 1) }
        let step = numbers.count == 3 ? numbers[2] : 1
        guard step != 0 else {
            throw .invalidArgument(operation: Builtin.range.name, reason: "the step is zero; give another one")
        }
        return (numbers[0], numbers[1], step)
    }

    private mutating func makeRange(_ arguments: Elements) throws(Code) -> Value {
        let range = try self.range(arguments)
        var current = range.start
        var list = Value.emptyBuilder
        while range.step > 0 ? current < range.end : current > range.end {
            try self.count(1)
            list = try self.appending(Value(current), to: list)
            let (next, overflowed) = current.addingReportingOverflow(range.step)
            if overflowed { break }
            current = next
        }
        return list.finishedBuilder
    }

    private mutating func zip(_ arguments: Elements) throws(Code) -> Value {
        let left = try self.elements(arguments[0], .zip)
        let right = try self.elements(arguments[1], .zip)
        let count = min(left.count, right.count)
        let list = try self.makeElements(count)
        let pairs = try self.makeElements(2 * count)
        for index in 0..<count {
            pairs[2 * index] = left[index]
            pairs[2 * index + 1] = right[index]
            list[index] = Value(.list, of: pairs.slice(2 * index, 2 * index + 2))
        }
        return Value(.list, of: list)
    }
}
