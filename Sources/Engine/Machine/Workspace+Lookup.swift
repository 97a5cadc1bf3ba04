internal import FluentSyntax

/// Maps and sets.
extension Workspace {
    mutating func performLookup(_ builtin: Builtin, _ arguments: Elements) throws(Code) -> Value {
        switch builtin {
        case .get:
            return try self.lookUp(arguments[1], in: arguments[0], builtin)
                ?? (arguments.count == 3 ? arguments[2] : .nil)
        case .getIn: return try self.getIn(arguments)
        case .assoc:
            guard arguments.count % 2 == 1 else {
                throw .invalidArgument(operation: builtin.name, reason: "the last key has no value")
            }
            return try self.assoc(arguments, builtin)
        case .update: return try self.update(arguments)
        case .dissoc: return try self.dissoc(arguments)
        case .keys, .vals:
            let map = try self.map(arguments[0], builtin)
            let list = try self.makeElements(map.count)
            try self.count(map.count)
            let offset = builtin == .keys ? 0 : 1
            for index in 0..<map.count { list[index] = map.pairs[2 * index + offset] }
            return Value(.list, of: list)
        case .merge: return try self.merge(arguments)
        case .set:
            guard arguments.count == 1 else { return Value(.set, of: try self.makeElements(0)) }
            return try self.makeSet(try self.elements(arguments[0], builtin), builtin)
        case .conj: return try self.conj(arguments)
        default: return Value(try self.contains(arguments[0], arguments[1]))
        }
    }

    /// A map, or nil as the empty one.
    private mutating func map(_ value: Value, _ builtin: Builtin) throws(Code) -> Value {
        if value.has(.map) { return value }
        guard value.has(.nil) else { throw self.mismatch(builtin, TypeName.map, value) }
        return Value(.map, of: try self.makeElements(0))
    }

    private mutating func lookUp(_ key: Value, in value: Value, _ builtin: Builtin) throws(Code) -> Value? {
        switch value.tag {
        case .map:
            let index = try self.entryIndex(of: key, in: value, builtin)
            return index.map { value.pairs[2 * $0 + 1] }
        case .list:
            guard key.has(.integer), key.integer >= 0, key.integer < Int64(value.count) else { return nil }
            return value.elements[Int(key.integer)]
        case .set:
            let index = try self.memberIndex(of: key, in: value, builtin)
            return index.map { value.elements[$0] }
        case .nil: return nil
        default: throw self.mismatch(builtin, TypeName.map, value)
        }
    }

    private mutating func entryIndex(of key: Value, in map: Value, _ builtin: Builtin) throws(Code) -> Int? {
        try self.walk(builtin) { (walk) throws(ValueWalkError) in try map.entryIndex(of: key, walk: &walk) }
    }

    private mutating func memberIndex(of value: Value, in list: Value, _ builtin: Builtin) throws(Code) -> Int? {
        try self.walk(builtin) { (walk) throws(ValueWalkError) in try list.memberIndex(of: value, walk: &walk) }
    }

    private mutating func getIn(_ arguments: Elements) throws(Code) -> Value {
        let path = try self.elements(arguments[1], .getIn)
        var value = arguments[0]
        for index in 0..<path.count {
            guard let found = try self.lookUp(path[index], in: value, .getIn) else {
                return arguments.count == 3 ? arguments[2] : .nil
            }
            value = found
        }
        return value
    }

    private mutating func assoc(_ arguments: Elements, _ builtin: Builtin) throws(Code) -> Value {
        var map = try self.map(arguments[0], builtin)
        for index in 0..<((arguments.count - 1) / 2) {
            map = try self.storing(arguments[2 * index + 2], at: arguments[2 * index + 1], in: map, builtin)
        }
        return map
    }

    /// A copy of a map with one entry set: in place where the map is what was built last and the key is new.
    private mutating func storing(
        _ value: Value,
        at key: Value,
        in map: Value,
        _ builtin: Builtin
    ) throws(Code) -> Value {
        let key = try self.key(key, builtin)
        let known = try self.entryIndex(of: key, in: map, builtin)
        let pairs = map.pairs
        if let known {
            let copy = try self.makeElements(pairs.count)
            try self.count(map.count)
            copy.copy(pairs)
            copy[2 * known + 1] = value
            return Value(.map, of: copy)
        }
        let grown = try self.longer(pairs, by: 2)
        grown[pairs.count] = key
        grown[pairs.count + 1] = value
        return Value(.map, of: grown)
    }

    /// The same elements with room for more behind them.
    mutating func longer(_ elements: Elements, by count: Int) throws(Code) -> Elements {
        let stride = MemoryLayout<Value>.stride
        if unsafe self.arena.extend(unsafe UnsafeRawPointer(elements.start + elements.count), by: count * stride) {
            return unsafe Elements(start: elements.start, count: elements.count + count)
        }
        try self.count(elements.count)
        let copy = try self.makeElements(elements.count + count)
        copy.copy(elements)
        return copy
    }

    /// The halves of `update` around the call: two arguments look up, three store.
    private mutating func update(_ arguments: Elements) throws(Code) -> Value {
        guard arguments.count == 2 else {
            let map = try self.map(arguments[0], .update)
            return try self.storing(arguments[2], at: arguments[1], in: map, .update)
        }
        let map = try self.map(arguments[0], .update)
        let index = try self.entryIndex(of: arguments[1], in: map, .update)
        return index.map { map.pairs[2 * $0 + 1] } ?? .nil
    }

    private mutating func dissoc(_ arguments: Elements) throws(Code) -> Value {
        var map = try self.map(arguments[0], .dissoc)
        for index in 1..<arguments.count {
            guard let known = try self.entryIndex(of: arguments[index], in: map, .dissoc) else { continue }
            let pairs = map.pairs
            let copy = try self.makeElements(pairs.count - 2)
            try self.count(map.count)
            copy.copy(pairs.slice(0, 2 * known))
            copy.copy(pairs.slice(2 * known + 2, pairs.count), to: 2 * known)
            map = Value(.map, of: copy)
        }
        return map
    }

    private mutating func merge(_ arguments: Elements) throws(Code) -> Value {
        for index in 0..<arguments.count { _ = try self.map(arguments[index], .merge) }
        guard arguments.count > 0 else { return Value(.map, of: try self.makeElements(0)) }
        var result = try self.map(arguments[0], .merge)
        for index in 1..<max(arguments.count, 1) {
            let other = arguments[index]
            if result.count == 0, other.has(.map) {
                result = other
                continue
            }
            let pairs = other.has(.map) ? other.pairs : other.elements.slice(0, 0)
            for entry in 0..<(pairs.count / 2) {
                result = try self.storing(pairs[2 * entry + 1], at: pairs[2 * entry], in: result, .merge)
            }
        }
        return result
    }

    mutating func makeSet(_ members: Elements, _ builtin: Builtin) throws(Code) -> Value {
        let elements = try self.makeElements(members.count)
        var table = EncodedKeySet()
        var count = 0
        for index in 0..<members.count where try self.insert(members[index], into: &table, builtin).isNew {
            elements[count] = try self.key(members[index], builtin)
            count += 1
        }
        return Value(.set, of: elements.slice(0, count))
    }

    /// The number of a key in a table, and whether it is new; the table's bytes count against the memory limit.
    mutating func insert(
        _ value: Value,
        into table: inout EncodedKeySet,
        _ builtin: Builtin
    ) throws(Code) -> (index: Int, isNew: Bool) {
        var walk = ValueWalk(stepsLeft: self.allStepsLeft)
        do throws(ValueWalkError) {
            let result = try table.insert(value, walk: &walk)
            self.allStepsLeft = walk.stepsLeft
            if table.byteCount > self.limits.memoryBytes { throw ValueWalkError.tooLarge }
            return result
        } catch {
            throw self.failure(error, builtin)
        }
    }

    private mutating func conj(_ arguments: Elements) throws(Code) -> Value {
        let collection = arguments[0]
        let added = arguments.slice(1, arguments.count)
        switch collection.tag {
        case .nil, .list:
            let elements = collection.has(.nil) ? try self.makeElements(0) : collection.elements
            let grown = try self.longer(elements, by: added.count)
            grown.copy(added, to: elements.count)
            return Value(.list, of: grown)
        case .set:
            var set = collection
            for index in 0..<added.count where try self.memberIndex(of: added[index], in: set, .conj) == nil {
                let grown = try self.longer(set.elements, by: 1)
                grown[set.count] = try self.key(added[index], .conj)
                set = Value(.set, of: grown)
            }
            return set
        case .map:
            var map = collection
            for index in 0..<added.count {
                guard added[index].has(.list) else { throw self.mismatch(.conj, TypeName.list, added[index]) }
                let pair = added[index].elements
                guard pair.count == 2 else {
                    throw .invalidArgument(operation: Builtin.conj.name, reason: "an entry is [key value]")
                }
                map = try self.storing(pair[1], at: pair[0], in: map, .conj)
            }
            return map
        default: throw self.mismatch(.conj, TypeName.sequence, collection)
        }
    }

    private mutating func contains(_ collection: Value, _ value: Value) throws(Code) -> Bool {
        switch collection.tag {
        case .string:
            let text = try self.text(value, .contains)
            try self.count(collection.count / 64)
            return collection.text.firstIndex(of: text, from: 0) != nil
        case .map: return try self.entryIndex(of: value, in: collection, .contains) != nil
        case .list, .set: return try self.memberIndex(of: value, in: collection, .contains) != nil
        case .nil: return false
        default: throw self.mismatch(.contains, TypeName.sequence, collection)
        }
    }
}
