extension Value {
    /// The kind of the first thing in it that can't be stored or written; nil: all of it can.
    var firstUnstorable: Tag? {
        switch self.tag {
        case .nil, .boolean, .integer, .float, .string, .symbol, .keyword: return nil
        case .function, .builtin, .regex, .stream, .handle: return self.tag
        case .list, .set: return Self.firstUnstorable(in: self.elements)
        case .map: return Self.firstUnstorable(in: self.pairs)
        }
    }

    private static func firstUnstorable(in elements: Elements) -> Tag? {
        for index in 0..<elements.count {
            if let tag = elements[index].firstUnstorable { return tag }
        }
        return nil
    }
}
