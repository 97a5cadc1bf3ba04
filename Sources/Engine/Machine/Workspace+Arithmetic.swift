internal import CKernels
internal import FluentSyntax

/// Arithmetic and comparison.
extension Workspace {
    mutating func performArithmetic(_ builtin: Builtin, _ arguments: Elements) throws(Code) -> Value {
        switch builtin {
        case .add, .subtract, .multiply, .divide:
            return try self.fold(builtin, arguments)
        case .increment, .decrement:
            let amount = arguments.count == 2 ? arguments[1] : Value(Int64(1))
            return try self.arithmetic(builtin, arguments[0], amount)
        case .quotient, .remainder, .modulo:
            return try self.divideIntegers(builtin, arguments[0], arguments[1])
        case .absolute:
            let number = arguments[0]
            if number.has(.float) { return Value(number.float.magnitude) }
            let integer = try self.checkedInteger(number, builtin)
            guard integer != .min else { throw .integerOverflow(operation: builtin.name) }
            return Value(abs(integer))
        case .floor: return try self.rounded(arguments[0], .down, builtin)
        case .ceiling: return try self.rounded(arguments[0], .up, builtin)
        case .round: return try self.rounded(arguments[0], .toNearestOrAwayFromZero, builtin)
        case .squareRoot: return Value(try self.number(arguments[0], builtin).squareRoot())
        default: return try self.power(arguments[0], arguments[1])
        }
    }

    private func checkedInteger(_ value: Value, _ builtin: Builtin) throws(Code) -> Int64 {
        guard value.has(.integer) else { throw self.mismatch(builtin, TypeName.number, value) }
        return value.integer
    }

    /// `+ - * /` of any number of arguments: the types of all are checked first.
    private func fold(_ builtin: Builtin, _ arguments: Elements) throws(Code) -> Value {
        for index in 0..<arguments.count where !arguments[index].isNumber {
            throw self.mismatch(builtin, TypeName.number, arguments[index])
        }
        let neutral = Value(Int64(builtin == .multiply || builtin == .divide ? 1 : 0))
        if arguments.count == 0 { return neutral }
        if arguments.count == 1 {
            let isInverse = builtin == .subtract || builtin == .divide
            guard isInverse else { return arguments[0] }
            if builtin == .subtract, arguments[0].has(.float) { return Value(-arguments[0].float) }
            return try self.arithmetic(builtin, neutral, arguments[0])
        }
        var result = arguments[0]
        for index in 1..<arguments.count { result = try self.arithmetic(builtin, result, arguments[index]) }
        return result
    }

    /// One operation on two values.
    @inline(never)
    func arithmetic(_ builtin: Builtin, _ left: Value, _ right: Value) throws(Code) -> Value {
        guard left.has(.integer), right.has(.integer) else {
            let a = try self.number(left, builtin)
            let b = try self.number(right, builtin)
            switch builtin {
            case .add, .increment: return Value(a + b)
            case .subtract, .decrement: return Value(a - b)
            case .multiply: return Value(a * b)
            default:
                if right.has(.integer), right.integer == 0 { throw .divisionByZero(operation: builtin.name) }
                return Value(a / b)
            }
        }
        let a = left.integer
        let b = right.integer
        let result: (partialValue: Int64, overflow: Bool)
        switch builtin {
        case .add, .increment: result = a.addingReportingOverflow(b)
        case .subtract, .decrement: result = a.subtractingReportingOverflow(b)
        case .multiply: result = a.multipliedReportingOverflow(by: b)
        default:
            if b == 0 { throw .divisionByZero(operation: builtin.name) }
            result = a.dividedReportingOverflow(by: b)
            if !result.overflow, a.remainderReportingOverflow(dividingBy: b).partialValue != 0 {
                return Value(Double(a) / Double(b))
            }
        }
        if result.overflow { throw .integerOverflow(operation: builtin.name) }
        return Value(result.partialValue)
    }

    private func divideIntegers(_ builtin: Builtin, _ left: Value, _ right: Value) throws(Code) -> Value {
        let a = try self.integer(left, builtin)
        let b = try self.integer(right, builtin)
        if b == 0 { throw .divisionByZero(operation: builtin.name) }
        if builtin == .quotient {
            let (quotient, overflowed) = a.dividedReportingOverflow(by: b)
            if overflowed { throw .integerOverflow(operation: builtin.name) }
            return Value(quotient)
        }
        let remainder = a.remainderReportingOverflow(dividingBy: b).partialValue
        let hasWrongSign = builtin == .modulo && remainder != 0 && (remainder < 0) != (b < 0)
        return Value(hasWrongSign ? remainder + b : remainder)
    }

    private func rounded(
        _ value: Value,
        _ rule: FloatingPointRoundingRule,
        _ builtin: Builtin
    ) throws(Code) -> Value {
        guard value.has(.float) else { return Value(try self.checkedInteger(value, builtin)) }
        guard let integer = Int64(exactly: value.float.rounded(rule)) else {
            throw .integerOverflow(operation: builtin.name)
        }
        return Value(integer)
    }

    private func power(_ base: Value, _ exponent: Value) throws(Code) -> Value {
        let a = try self.number(base, .power)
        let b = try self.number(exponent, .power)
        guard base.has(.integer), exponent.has(.integer), exponent.integer >= 0 else { return Value(weir_pow(a, b)) }
        var result: Int64 = 1
        var square = base.integer
        var rest = exponent.integer
        // Bases of magnitude 0 and 1 never overflow; all others do before 64 rounds.
        while rest > 0 {
            if rest & 1 == 1 {
                let (product, overflowed) = result.multipliedReportingOverflow(by: square)
                if overflowed { throw .integerOverflow(operation: Builtin.power.name) }
                result = product
            }
            rest >>= 1
            if rest == 0 { break }
            let (squared, overflowed) = square.multipliedReportingOverflow(by: square)
            if overflowed { throw .integerOverflow(operation: Builtin.power.name) }
            square = squared
        }
        return Value(result)
    }

    // MARK: Comparison

    mutating func performComparison(_ builtin: Builtin, _ arguments: Elements) throws(Code) -> Value {
        switch builtin {
        case .equal, .notEqual:
            var areEqual = true
            for index in 1..<max(arguments.count, 1) where areEqual {
                areEqual = try self.areEqual(arguments[0], arguments[index], builtin)
            }
            return Value(areEqual == (builtin == .equal))
        default:
            for index in 0..<arguments.count {
                try self.checkComparable(arguments[0], arguments[index], builtin)
                try self.countComparison(arguments[index])
            }
            for index in 1..<max(arguments.count, 1)
            where !Self.holds(builtin, arguments[index - 1], arguments[index]) {
                return .false
            }
            return .true
        }
    }

    /// Both are numbers, or both strings.
    @inline(__always)
    func checkComparable(_ first: Value, _ other: Value, _ builtin: Builtin) throws(Code) {
        if first.has(.string) {
            if !other.has(.string) { throw self.mismatch(builtin, TypeName.string, other) }
            return
        }
        if !first.isNumber { throw self.mismatch(builtin, TypeName.number, first) }
        if !other.isNumber { throw self.mismatch(builtin, TypeName.number, other) }
    }

    /// Whether a comparison of comparable values holds: never with NaN.
    static func holds(_ builtin: Builtin, _ left: Value, _ right: Value) -> Bool {
        let order: Int
        if left.has(.string) {
            order = Bytes.compare(left.text, right.text)
        } else {
            if left.isNaN || right.isNaN { return false }
            order = Value.compareNumbers(left, right)
        }
        switch builtin {
        case .less: return order < 0
        case .lessOrEqual: return order <= 0
        case .greater: return order > 0
        default: return order >= 0
        }
    }
}

extension Value {
    var isNaN: Bool { self.has(.float) && self.float.isNaN }
}
