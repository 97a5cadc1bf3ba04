extension Value {
    /// This value as it is stored as a key: integral floats are integers, at any depth.
    ///
    /// - Throws: ``ValueWalkError/notStorable(_:)`` for functions.
    @inline(__always)
    package func normalisedKey(in arena: inout Arena, walk: inout ValueWalk) throws(ValueWalkError) -> Value {
        if self.isText || self.has(.integer) { return self }
        return try self.normalised(in: &arena, walk: &walk, depth: 0)
    }

    private func normalised(
        in arena: inout Arena,
        walk: inout ValueWalk,
        depth: Int
    ) throws(ValueWalkError) -> Value {
        switch self.tag {
        case .nil, .boolean, .integer, .string, .symbol, .keyword, .handle: return self
        case .float: return Int64(exactly: self.float).map { Value($0) } ?? self
        case .list, .set:
            return try self.normalised(self.elements, in: &arena, walk: &walk, depth: depth)
        case .map:
            return try self.normalised(self.pairs, in: &arena, walk: &walk, depth: depth)
        case .function, .builtin, .regex, .stream: throw .notStorable(self.tag)
        }
    }

    private func normalised(
        _ elements: Elements,
        in arena: inout Arena,
        walk: inout ValueWalk,
        depth: Int
    ) throws(ValueWalkError) -> Value {
        try walk.visit(elements.count, depth: depth)
        guard let copy = arena.makeElements(elements.count) else { throw .tooLarge }
        for index in 0..<elements.count {
            copy[index] = try elements[index].normalised(in: &arena, walk: &walk, depth: depth + 1)
        }
        return Value(self.tag, of: copy)
    }
}
