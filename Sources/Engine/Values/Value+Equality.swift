extension Value {
    /// `=`, or equality as keys.
    ///
    /// Numbers are compared exactly; a keyword equals the string of the same text; maps and sets regardless of order.
    /// NaN equals itself as a key only.
    package static func areEqual(
        _ left: Value,
        _ right: Value,
        asKeys: Bool,
        walk: inout ValueWalk,
        depth: Int = 0
    ) throws(ValueWalkError) -> Bool {
        switch (left.tag, right.tag) {
        case (.list, .list):
            if left.count == right.count {
                try self.haveEqualElements(left, right, asKeys: asKeys, walk: &walk, depth: depth + 1)
            } else {
                false
            }
        case (.map, .map): try self.areEqualMaps(left, right, asKeys: asKeys, walk: &walk, depth: depth + 1)
        case (.set, .set): try self.areEqualSets(left, right, walk: &walk, depth: depth + 1)
        case (.function, .function): self.areEqualFunctions(left, right)
        default: self.areEqualScalars(left, right, asKeys: asKeys)
        }
    }

    /// Equality where neither is a collection or a lambda.
    @inline(__always)
    package static func areEqualScalars(_ left: Value, _ right: Value, asKeys: Bool) -> Bool {
        switch left.tag {
        case .string, .keyword:
            right.isTextKey && Bytes.areEqual(left.text, right.text)
        case .symbol:
            right.has(.symbol) && Bytes.areEqual(left.text, right.text)
        case .integer:
            right.has(.integer)
                ? left.bits == right.bits : right.has(.float) && Int64(exactly: right.float) == left.integer
        case .float:
            if right.has(.float) {
                left.float == right.float || (asKeys && left.float.isNaN && right.float.isNaN)
            } else {
                right.has(.integer) && Int64(exactly: left.float) == right.integer
            }
        case .nil:
            right.has(.nil)
        case .boolean, .regex, .builtin, .stream, .handle, .function, .list, .map, .set:
            left.rawTag == right.rawTag && left.bits == right.bits
        }
    }

    /// Closures of one lambda that captured identical values.
    private static func areEqualFunctions(_ left: Value, _ right: Value) -> Bool {
        if left.bits == right.bits { return true }
        guard left.count == right.count, left.closureFunction == right.closureFunction else { return false }
        let a = left.closureCaptures
        let b = right.closureCaptures
        for index in 0..<a.count where a[index].bits != b[index].bits || a[index].meta != b[index].meta {
            return false
        }
        return true
    }

    private static func haveEqualElements(
        _ left: Value,
        _ right: Value,
        asKeys: Bool,
        walk: inout ValueWalk,
        depth: Int
    ) throws(ValueWalkError) -> Bool {
        try walk.visit(left.count, depth: depth)
        let a = left.elements
        let b = right.elements
        for index in 0..<a.count {
            guard try self.areEqual(a[index], b[index], asKeys: asKeys, walk: &walk, depth: depth) else {
                return false
            }
        }
        return true
    }

    private static func areEqualMaps(
        _ left: Value,
        _ right: Value,
        asKeys: Bool,
        walk: inout ValueWalk,
        depth: Int
    ) throws(ValueWalkError) -> Bool {
        guard left.count == right.count else { return false }
        try walk.visit(left.count, depth: depth)
        let a = left.pairs
        let b = right.pairs
        for index in 0..<left.count {
            // Maps built the same way have their keys in the same order.
            var found: Int? = nil
            if try self.areEqual(a[2 * index], b[2 * index], asKeys: true, walk: &walk, depth: depth) {
                found = index
            } else {
                found = try right.entryIndex(of: a[2 * index], walk: &walk, depth: depth)
            }
            guard let found else { return false }
            let equal = try self.areEqual(
                a[2 * index + 1],
                b[2 * found + 1],
                asKeys: asKeys,
                walk: &walk,
                depth: depth
            )
            if !equal { return false }
        }
        return true
    }

    private static func areEqualSets(
        _ left: Value,
        _ right: Value,
        walk: inout ValueWalk,
        depth: Int
    ) throws(ValueWalkError) -> Bool {
        guard left.count == right.count else { return false }
        try walk.visit(left.count, depth: depth)
        let members = left.elements
        for index in 0..<members.count {
            guard try right.memberIndex(of: members[index], walk: &walk, depth: depth) != nil else { return false }
        }
        return true
    }

    /// Which pair of a map has this key.
    package func entryIndex(of key: Value, walk: inout ValueWalk, depth: Int = 0) throws(ValueWalkError) -> Int? {
        let pairs = self.pairs
        if key.isTextKey { return self.entryIndex(ofText: key.text, walk: &walk) }
        try walk.visit(self.count, depth: depth)
        for index in 0..<self.count
        where try Self.areEqual(pairs[2 * index], key, asKeys: true, walk: &walk, depth: depth + 1) {
            return index
        }
        return nil
    }

    @inline(__always)
    private func entryIndex(ofText text: Bytes, walk: inout ValueWalk) -> Int? {
        let pairs = self.pairs
        // Looking at a key is a fraction of a step.
        walk.stepsLeft &-= self.count >> 3
        for index in 0..<self.count {
            let key = pairs[2 &* index]
            if key.isTextKey, Bytes.areEqual(key.text, text) { return index }
        }
        return nil
    }

    /// Which element of a list or set equals this value, as keys.
    package func memberIndex(of value: Value, walk: inout ValueWalk, depth: Int = 0) throws(ValueWalkError) -> Int? {
        let members = self.elements
        try walk.visit(self.count, depth: depth)
        for index in 0..<members.count
        where try Self.areEqual(members[index], value, asKeys: true, walk: &walk, depth: depth + 1) {
            return index
        }
        return nil
    }
}

/// A closure object: function index and padding to 16 bytes, then the captured values.
extension Value {
    static let closureHeaderBytes = 16

    var closureFunction: Int {
        Int(unsafe self.address.loadUnaligned(as: UInt32.self))
    }

    @inline(__always)
    var closureCaptures: Elements {
        let start = unsafe UnsafeMutableRawPointer(mutating: self.address) + Self.closureHeaderBytes
        return unsafe Elements(start: start.assumingMemoryBound(to: Value.self), count: self.count)
    }
}
