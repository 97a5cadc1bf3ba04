internal import FluentSyntax
internal import JobPlan

/// A map that does nothing but emit fields of its record: such pairs are made without running the machine.
///
/// What can't be made so is left to the machine, whose errors count.
struct FieldEmission: Sendable {
    /// Which field is the key, and which are the values; ``nothing`` stands for nil.
    let key: Int
    let values: [Int]

    private static let nothing = -1

    /// - Returns: Nil where the map does anything else.
    init?(_ map: MapFunction, columnCount: Int) {
        let lambda = map.closure.lambda
        guard map.fields != nil, !map.takesKey, case .builtin(.emit, let emitted) = lambda.body.kind,
            case .variable(let key) = emitted[0].kind, let index = lambda.parameters.firstIndex(of: key)
        else { return nil }
        var columns = [emitted[1]]
        if columnCount > 1 {
            guard case .list(let elements) = emitted[1].kind, elements.count == columnCount else { return nil }
            columns = elements
        }
        var values: [Int] = []
        for column in columns {
            switch column.kind {
            case .variable(let variable):
                guard let index = lambda.parameters.firstIndex(of: variable) else { return nil }
                values.append(index)
            case .constant(.nil): values.append(Self.nothing)
            default: return nil
            }
        }
        self.key = index
        self.values = values
    }

    @inline(__always)
    func value(_ column: Int, of fields: UnsafeMutablePointer<Value>) -> Value {
        let index = self.values[column]
        return index < 0 ? .nil : unsafe fields[index]
    }
}
