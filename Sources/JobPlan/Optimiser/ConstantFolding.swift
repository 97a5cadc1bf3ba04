import FluentSyntax

/// Computes what is constant at planning time, where it can't fail and means the same on every machine.
enum ConstantFolding {
    static func value(of builtin: Builtin, _ arguments: [Expression]) -> Constant? {
        let constants = arguments.compactMap(\.constant)
        guard constants.count == arguments.count else { return nil }
        switch builtin {
        case .add, .subtract, .multiply, .increment, .decrement:
            return Self.arithmetic(builtin, constants)
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            return Self.comparison(builtin, constants)
        case .not:
            return constants.count == 1 ? .boolean(!constants[0].isTrue) : nil
        case .str:
            return Self.concatenation(constants)
        case .list:
            return .list(constants)
        default:
            return nil
        }
    }

    static func list(_ elements: [Expression]) -> Constant? {
        let constants = elements.compactMap(\.constant)
        return constants.count == elements.count ? .list(constants) : nil
    }

    /// `and` (`stopsAt` false) or `or` without terms that don't decide, and with none behind one that does.
    static func junction(_ terms: [Expression], stopsAt: Bool, range: SourceRange) -> Expression {
        var kept: [Expression] = []
        for (position, term) in terms.enumerated() {
            let isLast = position == terms.count - 1
            if let constant = term.constant {
                let isDecisive = constant.isTrue == stopsAt
                if isDecisive || isLast { kept.append(term) }
                if isDecisive { break }
            } else {
                kept.append(term)
            }
        }
        if kept.count == 1 { return kept[0] }
        return Expression(stopsAt ? .or(kept) : .and(kept), range: range)
    }

    private static func arithmetic(_ builtin: Builtin, _ constants: [Constant]) -> Constant? {
        let integers = constants.compactMap { if case .integer(let value) = $0 { value } else { nil } }
        guard integers.count == constants.count, let first = integers.first else { return nil }
        var operands = Array(integers.dropFirst())
        switch builtin {
        case .increment, .decrement:
            guard operands.count <= 1 else { return nil }
            if operands.isEmpty { operands = [1] }
        default:
            // One operand means something of its own, such as a changed sign.
            guard !operands.isEmpty else { return nil }
        }
        var result = first
        for operand in operands {
            let step =
                switch builtin {
                case .add, .increment: result.addingReportingOverflow(operand)
                case .multiply: result.multipliedReportingOverflow(by: operand)
                default: result.subtractingReportingOverflow(operand)
                }
            guard !step.overflow else { return nil }
            result = step.partialValue
        }
        return .integer(result)
    }

    private static func comparison(_ builtin: Builtin, _ constants: [Constant]) -> Constant? {
        guard constants.count == 2 else { return nil }
        let order: (isLess: Bool, isEqual: Bool)
        switch (constants[0], constants[1]) {
        case (.integer(let left), .integer(let right)):
            order = (left < right, left == right)
        case (.string(let left), .string(let right)):
            // Bytes of UTF-8 are ordered as code points are.
            order = (left.lexicographicallyPrecedes(right), left == right)
        default:
            return nil
        }
        switch builtin {
        case .equal: return .boolean(order.isEqual)
        case .notEqual: return .boolean(!order.isEqual)
        case .less: return .boolean(order.isLess)
        case .lessOrEqual: return .boolean(order.isLess || order.isEqual)
        case .greater: return .boolean(!order.isLess && !order.isEqual)
        case .greaterOrEqual: return .boolean(!order.isLess)
        default: return nil
        }
    }

    private static func concatenation(_ constants: [Constant]) -> Constant? {
        var bytes: [UInt8] = []
        for constant in constants {
            switch constant {
            case .string(let text): bytes += text
            case .integer(let value): bytes += Array(String(value).utf8)
            default: return nil
            }
        }
        return .string(bytes)
    }
}

extension Expression {
    var constant: Constant? {
        if case .constant(let constant) = self.kind { constant } else { nil }
    }
}
