import FluentSyntax

/// Finds the fields that a map reads, and makes it take those instead of the record.
///
/// Applies when every use of the record is `(get record FIELD)`, `(get record FIELD DEFAULT)` or `(:field record)` with
/// constant field names and defaults.
struct FieldProjection {
    let function: MapFunction
    let rewrite: Rewrite

    init(_ map: WholeMap, format: RecordFormat) {
        switch format {
        case .json:
            break
        case .csv(let dialect) where dialect.hasHeader:
            break
        case .text, .bytes, .csv:
            self.function = MapFunction(whole: map)
            self.rewrite = Rewrite(
                .projection,
                isApplied: false,
                "records of format \(format.name) have no named fields"
            )
            return
        }
        var finder = FieldFinder(map)
        let body = finder.rewritten(map.closure.lambda.body)
        if let use = finder.wholeUse {
            self.function = MapFunction(whole: map)
            self.rewrite = Rewrite(.projection, isApplied: false, "the whole record is used", at: use)
            return
        }
        let key = map.key.map { [$0] } ?? []
        let lambda = map.closure.lambda.with(parameters: key + finder.parameters, body: body)
        self.function = MapFunction(
            closure: map.closure.with(lambda: lambda.recaptured(keeping: map.closure.lambda.captured)),
            takesKey: map.takesKey,
            fields: finder.fields,
            whole: map
        )
        let names = finder.fields.map(\.name).joined(separator: ", ")
        let reason = finder.fields.isEmpty ? "no field is read" : "only these fields are decoded: \(names)"
        self.rewrite = Rewrite(.projection, isApplied: true, reason)
    }
}

/// Replaces reads of fields by parameters.
private struct FieldFinder {
    private let record: Variable
    private var nextID: Int
    private(set) var fields: [ProjectedField] = []
    private(set) var parameters: [Variable] = []
    private(set) var wholeUse: SourceRange?

    init(_ map: WholeMap) {
        self.record = map.record
        self.nextID = map.closure.lambda.largestVariableID + 1
    }

    mutating func rewritten(_ expression: Expression) -> Expression {
        if let read = FieldRead(expression, of: self.record) {
            return Expression(.variable(self.parameter(for: read, at: expression.range)), range: expression.range)
        }
        if case .variable(self.record) = expression.kind {
            self.wholeUse = self.wholeUse ?? expression.range
            return expression
        }
        return expression.mapChildren { self.rewritten($0) }
    }

    /// A field with two defaults is two parameters.
    private mutating func parameter(for read: FieldRead, at range: SourceRange) -> Variable {
        let known = self.fields.firstIndex { $0.name == read.name && $0.absentValue == read.absentValue }
        if let known { return self.parameters[known] }
        let variable = Variable(id: self.nextID, name: read.name)
        self.nextID += 1
        self.fields.append(ProjectedField(name: read.name, absentValue: read.absentValue, range: range))
        self.parameters.append(variable)
        return variable
    }
}

/// `(get record :field)` and what means the same.
private struct FieldRead {
    let name: String
    let absentValue: Constant

    init?(_ expression: Expression, of record: Variable) {
        switch expression.kind {
        case .builtin(.get, let arguments):
            self.init(record, arguments[0], field: arguments[1], absent: arguments.dropFirst(2).first)
        case .call(let function, let arguments) where (1...2).contains(arguments.count):
            guard case .constant(.keyword) = function.kind else { return nil }
            self.init(record, arguments[0], field: function, absent: arguments.dropFirst().first)
        default:
            return nil
        }
    }

    private init?(_ record: Variable, _ map: Expression, field: Expression, absent: Expression?) {
        guard case .variable(record) = map.kind, case .constant(let constant) = field.kind else { return nil }
        switch constant {
        case .keyword(let name): self.name = name
        case .string(let bytes):
            guard let name = String(validating: bytes, as: UTF8.self) else { return nil }
            self.name = name
        default: return nil
        }
        guard let absent else {
            self.absentValue = .nil
            return
        }
        guard case .constant(let value) = absent.kind else { return nil }
        self.absentValue = value
    }
}
