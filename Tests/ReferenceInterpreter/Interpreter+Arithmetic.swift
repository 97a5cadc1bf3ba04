import FluentSyntax
import Foundation

extension Interpreter {
    func performArithmetic(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        switch call.builtin {
        case .quotient, .remainder, .modulo: return .integer(try Self.integerDivision(call))
        case .absolute: return try Self.absolute(call, try call.number(call[0]))
        case .floor: return try Self.rounded(call, .down)
        case .ceiling: return try Self.rounded(call, .up)
        case .round: return try Self.rounded(call, .toNearestOrAwayFromZero)
        case .squareRoot: return .float(try call.number(call[0]).double.squareRoot())
        case .power: return try Self.power(call)
        default: return try Self.fold(call).value
        }
    }

    private static func fold(_ call: BuiltinCall) throws(EvaluationError) -> Number {
        let numbers = try call.numbers(call.arguments)
        guard var result = numbers.first else { return .integer(call.builtin == .add ? 0 : 1) }
        if numbers.count == 1 { return try Self.unary(call, result) }
        for number in numbers.dropFirst() { result = try Self.combine(call, result, number) }
        return result
    }

    private static func unary(_ call: BuiltinCall, _ number: Number) throws(EvaluationError) -> Number {
        switch call.builtin {
        case .subtract: try Self.negated(call, number)
        case .divide: try Self.divide(call, .integer(1), number)
        case .increment, .decrement: try Self.combine(call, number, .integer(1))
        default: number
        }
    }

    private static func negated(_ call: BuiltinCall, _ number: Number) throws(EvaluationError) -> Number {
        switch number {
        case .integer(let integer): try Self.combine(call, .integer(0), .integer(integer))
        // Not 0 - x, which would make 0.0 of 0.0.
        case .float(let float): .float(-float)
        }
    }

    private static func combine(_ call: BuiltinCall, _ left: Number, _ right: Number) throws(EvaluationError) -> Number
    {
        if call.builtin == .divide { return try Self.divide(call, left, right) }
        if case .integer(let left) = left, case .integer(let right) = right {
            let (result, overflows) =
                switch call.builtin {
                case .add, .increment: left.addingReportingOverflow(right)
                case .subtract, .decrement: left.subtractingReportingOverflow(right)
                default: left.multipliedReportingOverflow(by: right)
                }
            if overflows { throw call.overflow() }
            return .integer(result)
        }
        return switch call.builtin {
        case .add, .increment: .float(left.double + right.double)
        case .subtract, .decrement: .float(left.double - right.double)
        default: .float(left.double * right.double)
        }
    }

    private static func divide(_ call: BuiltinCall, _ left: Number, _ right: Number) throws(EvaluationError) -> Number {
        if case .integer(0) = right { throw call.error(.divisionByZero(operation: call.name)) }
        guard case .integer(let dividend) = left, case .integer(let divisor) = right else {
            return .float(left.double / right.double)
        }
        let (quotient, overflows) = dividend.dividedReportingOverflow(by: divisor)
        if overflows { throw call.overflow() }
        return quotient * divisor == dividend ? .integer(quotient) : .float(left.double / right.double)
    }

    private static func integerDivision(_ call: BuiltinCall) throws(EvaluationError) -> Int64 {
        let dividend = try call.integer(0)
        let divisor = try call.integer(1)
        if divisor == 0 { throw call.error(.divisionByZero(operation: call.name)) }
        if call.builtin == .quotient {
            let (quotient, overflows) = dividend.dividedReportingOverflow(by: divisor)
            if overflows { throw call.overflow() }
            return quotient
        }
        let remainder = dividend.remainderReportingOverflow(dividingBy: divisor).partialValue
        let hasOtherSign = remainder != 0 && (remainder < 0) != (divisor < 0)
        return call.builtin == .modulo && hasOtherSign ? remainder + divisor : remainder
    }

    private static func absolute(_ call: BuiltinCall, _ number: Number) throws(EvaluationError) -> ReferenceValue {
        switch number {
        case .float(let float): return .float(abs(float))
        case .integer(Int64.min): throw call.overflow()
        case .integer(let integer): return .integer(abs(integer))
        }
    }

    private static func rounded(
        _ call: BuiltinCall,
        _ rule: FloatingPointRoundingRule
    ) throws(EvaluationError) -> ReferenceValue {
        switch try call.number(call[0]) {
        case .integer(let integer): return .integer(integer)
        case .float(let float):
            guard let integer = Int64(exactly: float.rounded(rule)) else { throw call.overflow() }
            return .integer(integer)
        }
    }

    private static func power(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        let numbers = try call.numbers(call.arguments)
        guard case .integer(let number) = numbers[0], case .integer(let exponent) = numbers[1], exponent >= 0 else {
            return .float(pow(numbers[0].double, numbers[1].double))
        }
        if (-1...1).contains(number) {
            return .integer(exponent == 0 ? 1 : number == -1 && exponent % 2 == 0 ? 1 : number)
        }
        var result: Int64 = 1
        // Beyond 64 factors of at least 2 it overflows anyway.
        for _ in 0..<min(exponent, 64) {
            let (product, overflows) = result.multipliedReportingOverflow(by: number)
            if overflows { throw call.overflow() }
            result = product
        }
        return .integer(result)
    }
}
