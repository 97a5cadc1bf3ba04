/// The names of a resource's columns, and which of them are wanted.
struct CSVHeader: ~Copyable {
    private let wanted: [String]?
    /// The names' bytes: the keys of maps point at them until the next header is read.
    private var text = ByteBuffer()
    private var names: [Value] = []
    /// For each wanted field its column, or nil where no column is called so.
    private var columns: [Int?] = []

    init(wanted: [String]?) {
        self.wanted = wanted
    }

    var isProjected: Bool { self.wanted != nil }

    var isKnown: Bool { !self.names.isEmpty }

    /// How many fields a record must have.
    var count: Int { self.names.count }

    mutating func clear() {
        self.names.removeAll()
        self.columns.removeAll()
    }

    mutating func read(_ fields: CSVFields, offset: Int64, arena: inout Arena) throws(CSVError) {
        self.text.removeAll()
        var ends = [0]
        for index in 0..<fields.count {
            let name = try fields.value(index, in: &arena)
            guard name.count > 0 else { throw .missingName(offset: offset, column: index + 1) }
            self.text.append(name.text)
            ends.append(self.text.count)
        }
        // Only now that the text no longer grows do its addresses stay.
        let names = (0..<fields.count).map { Value(.string, text: self.text.slice(ends[$0], ends[$0 + 1])) }
        try Self.checkUnique(names, offset: offset)
        self.names = names
        self.columns = (self.wanted ?? []).map { name in names.firstIndex { $0.text.array == Array(name.utf8) } }
    }

    private static func checkUnique(_ names: [Value], offset: Int64) throws(CSVError) {
        let sorted = names.sorted { Bytes.compare($0.text, $1.text) < 0 }
        for index in sorted.indices.dropFirst() where Bytes.areEqual(sorted[index - 1].text, sorted[index].text) {
            throw .duplicateName(offset: offset, name: sorted[index].text.string)
        }
    }

    /// A map of a record's fields, or a list of the wanted ones.
    func value(of fields: CSVFields, in arena: inout Arena) throws(CSVError) -> Value {
        guard self.isProjected else { return try self.map(of: fields, in: &arena) }
        guard let elements = arena.makeElements(self.columns.count) else { throw .outOfMemory }
        for index in 0..<self.columns.count {
            guard let column = self.columns[index] else {
                elements[index] = JSONFieldExtractor.absent
                continue
            }
            elements[index] = try fields.value(column, in: &arena)
        }
        return Value(.list, of: elements)
    }

    private func map(of fields: CSVFields, in arena: inout Arena) throws(CSVError) -> Value {
        guard let pairs = arena.makeElements(2 * self.count) else { throw .outOfMemory }
        for index in 0..<self.count {
            pairs[2 * index] = self.names[index]
            pairs[2 * index + 1] = try fields.value(index, in: &arena)
        }
        return Value(.map, of: pairs)
    }
}
