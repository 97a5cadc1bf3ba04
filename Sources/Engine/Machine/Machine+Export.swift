package import FluentSyntax

/// Values that leave a machine.
extension Machine where Host: ~Copyable {
    /// A value as it travels to workers, with all globals that a function in it may need.
    ///
    /// - Throws: It holds something that can't travel: a stream, a job, a function that captured itself.
    package func export(_ value: Value, at range: SourceRange) throws(EvaluationError) -> Constant {
        let constant = try self.constant(value, at: range, depth: 0)
        guard case .function(let closure) = constant else { return constant }
        var globals: [String: Constant] = [:]
        for name in self.program.globalNames {
            guard let global = self.global(name) else { continue }
            // Globals that can't travel are of no use to a lambda; one that names them fails as undefined.
            if let exported = try? self.constant(global, at: range, depth: 0) { globals[name] = exported }
        }
        return .function(Closure(lambda: closure.lambda, captured: closure.captured, globals: globals))
    }

    private func constant(_ value: Value, at range: SourceRange, depth: Int) throws(EvaluationError) -> Constant {
        guard depth <= ValueWalk.depthLimit else {
            throw EvaluationError(
                .invalidArgument(operation: "submit-job", reason: "a value is nested too deeply"),
                at: range
            )
        }
        switch value.tag {
        case .nil: return .nil
        case .boolean: return .boolean(value.bits != 0)
        case .integer: return .integer(value.integer)
        case .float: return .float(value.float)
        case .string: return .string(value.text.array)
        case .symbol: return .symbol(value.text.string)
        case .keyword: return .keyword(value.text.string)
        case .list: return .list(try self.constants(value.elements, at: range, depth: depth))
        case .set: return .set(try self.constants(value.elements, at: range, depth: depth))
        case .map: return .map(try self.entries(value.pairs, at: range, depth: depth))
        case .regex: return .regex(value.regexPattern.string)
        case .builtin:
            guard let builtin = Builtin(rawValue: UInt16(truncatingIfNeeded: value.bits)) else { break }
            return .builtin(builtin)
        case .function: return .function(try self.closure(value, at: range, depth: depth))
        case .handle:
            if let constant = self.host.constant(ofHandle: Int(value.bits)) { return constant }
        case .stream: break
        }
        let found = value.tag.typeName
        throw EvaluationError(
            .typeMismatch(operation: "submit-job", expected: "values that can travel to workers", found: found),
            at: range
        )
    }

    private func constants(
        _ elements: Elements,
        at range: SourceRange,
        depth: Int
    ) throws(EvaluationError) -> [Constant] {
        var constants: [Constant] = []
        for index in 0..<elements.count {
            constants.append(try self.constant(elements[index], at: range, depth: depth + 1))
        }
        return constants
    }

    private func entries(
        _ pairs: Elements,
        at range: SourceRange,
        depth: Int
    ) throws(EvaluationError) -> [ConstantEntry] {
        let constants = try self.constants(pairs, at: range, depth: depth)
        return stride(from: 0, to: constants.count, by: 2).map { ConstantEntry(constants[$0], constants[$0 + 1]) }
    }

    /// Globals are added once, to the closure that travels: those inside it find them there.
    private func closure(_ value: Value, at range: SourceRange, depth: Int) throws(EvaluationError) -> Closure {
        let function = self.program.functions[value.closureFunction]
        guard let lambda = function.lambda else {
            throw EvaluationError(
                .typeMismatch(operation: "submit-job", expected: "a lambda", found: value.tag.typeName),
                at: range
            )
        }
        var held = 0
        var captured: [Constant] = []
        for known in function.capturedConstants {
            if let known {
                captured.append(known)
            } else {
                captured.append(try self.constant(value.closureCaptures[held], at: range, depth: depth + 1))
                held += 1
            }
        }
        return Closure(lambda: lambda, captured: captured, globals: [:])
    }
}
