/// Why bytes aren't records of a CSV dialect; offsets are those of the resource.
package enum CSVError: Error, Hashable, Sendable {
    /// A quote inside a field that doesn't begin with one.
    case strayQuote(offset: Int64)
    /// Something else than a separator or a line's end behind a closing quote.
    case textAfterQuote(offset: Int64)
    /// The resource ends inside a quoted field of the record that begins there.
    case unclosedQuote(offset: Int64)
    /// A record has other fields than the header names.
    case fieldCount(offset: Int64, expected: Int, actual: Int)
    case recordTooLong(offset: Int64, limitBytes: Int)
    /// A column, counted from one, has no name.
    case missingName(offset: Int64, column: Int)
    case duplicateName(offset: Int64, name: String)
    /// A carriage return at that place stands where a line's end is expected: the resource's first "line" has several.
    case bareCarriageReturn(offset: Int64)
    case outOfMemory
}

extension CSVError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .strayQuote(let offset):
            "can't read the CSV record: a quote at byte \(offset) is inside a field without quotes; "
                + "put the field in quotes and double those inside"
        case .textAfterQuote(let offset):
            "can't read the CSV record: at byte \(offset) text follows a closing quote; "
                + "double the quotes inside a field"
        case .unclosedQuote(let offset):
            "can't read the CSV record at byte \(offset): the file ends inside a quoted field; close the quote"
        case .fieldCount(let offset, let expected, let actual):
            "can't read the CSV record at byte \(offset): it has \(actual) fields and the header names \(expected); "
                + "give it as many"
        case .recordTooLong(let offset, let limitBytes):
            "can't read the CSV record at byte \(offset): it is longer than \(limitBytes) bytes; "
                + "look for a quote that isn't closed, and for lines that end in a bare carriage return"
        case .missingName(let offset, let column):
            "can't read the CSV header at byte \(offset): column \(column) has no name; name it"
        case .duplicateName(let offset, let name):
            "can't read the CSV header at byte \(offset): two columns are called '\(name)'; rename one"
        case .bareCarriageReturn(let offset):
            "can't read the CSV file: its lines end in a bare carriage return (the first at byte \(offset)); "
                + "make them newlines, for instance with tr '\\r' '\\n', or put the field that holds it in quotes"
        case .outOfMemory:
            "can't read the CSV record: its values are larger than the memory limit; make the record smaller"
        }
    }
}
