internal import FluentSyntax

extension Value {
    /// What messages call the type of this value.
    package var typeName: String {
        switch self.tag {
        case .nil: TypeName.nil
        case .boolean: TypeName.boolean
        case .integer: TypeName.integer
        case .float: TypeName.float
        case .string: TypeName.string
        case .symbol: TypeName.symbol
        case .keyword: TypeName.keyword
        case .list, .stream: TypeName.list
        case .map: TypeName.map
        case .set: TypeName.set
        case .function, .builtin: TypeName.function
        case .regex: TypeName.regex
        case .handle: TypeName.handle
        }
    }
}
