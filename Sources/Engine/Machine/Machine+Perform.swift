internal import FluentSyntax

/// Instructions that run once per call or loop, and builtins.
extension Machine where Host: ~Copyable {
    @inline(never)
    mutating func performRarely(_ i: Instruction, _ registers: Registers) throws(Code) {
        switch i.opcode {
        case .loadGlobal: registers[i.a] = try self.loadGlobal(i.wide)
        case .storeGlobal: unsafe self.globals[i.wide] = registers[i.a]
        case .makeClosure: registers[i.a] = try self.workspace.makeClosure(i, registers)
        case .patchCapture: registers[i.a].closureCaptures[Int(i.b)] = registers[i.c]
        case .makeList:
            let values = try self.settle(registers.slice(i.b, Int(i.c)))
            let elements = try self.workspace.makeElements(Int(i.c))
            elements.copy(values)
            registers[i.a] = Value(.list, of: elements)
        case .makeMap:
            let pairs = try self.settle(registers.slice(i.b, 2 * Int(i.c)))
            registers[i.a] = try self.workspace.makeMap(pairs, .assoc)
        case .builderBegin: registers[i.a] = Value.emptyBuilder
        case .builderAppendAll: try self.appendAll(i, registers)
        case .builderFinish: registers[i.a] = registers[i.a].finishedBuilder
        case .iterateBegin: try self.beginIteration(i, registers)
        case .rangeBegin: try self.workspace.beginRange(i, registers)
        case .checkFunction:
            let value = registers[i.a]
            if !value.isFunction, !value.has(.keyword) {
                throw .typeMismatch(
                    operation: OperationCode.name(i.extra),
                    expected: TypeName.function,
                    found: value.typeName
                )
            }
        case .noMatch: throw .noMatch
        case .pushHandler: self.pushRecovery(i, isCleanup: false)
        case .pushCleanup: self.pushRecovery(i, isCleanup: true)
        case .popHandler: _ = unsafe self.recoveries.popLast()
        case .rethrow: throw self.pendingErrors[Int(registers[i.a].integer)].code
        case .connector: try self.makeConnector(i, registers)
        default: preconditionFailure("this instruction is part of the loop")
        }
    }

    private func loadGlobal(_ slot: Int) throws(Code) -> Value {
        let value = unsafe self.globals[slot]
        if value.rawTag == Self.unsetGlobal.rawTag { throw .undefined(name: self.program.globalNames[slot]) }
        return value
    }

    private mutating func makeConnector(_ i: Instruction, _ registers: Registers) throws(Code) {
        let shape = self.program.connectors[Int(i.c)]
        let values = registers.slice(i.b, shape.argumentCount + shape.optionNames.count)
        let call = ConnectorEvaluation(name: shape.name, optionNames: shape.optionNames, values: values)
        do throws(EvaluationError) {
            let range = self.failingRange()
            registers[i.a] = try self.host.makeConnector(call, at: range, in: &self.workspace.arena)
        } catch {
            throw error.code
        }
    }

    /// What happens at the end of a loop's round, rarely.
    @inline(never)
    mutating func finishRound() throws(Code) {
        if self.workspace.stepsLeft < 0 { try self.workspace.refill() }
        if self.workspace.arena.usedBytes > self.collectionThreshold { try self.collectGarbage() }
    }

    // MARK: Builtins

    @inline(__always)
    mutating func perform(_ i: Instruction, _ registers: Registers) throws(Code) -> Value {
        guard let builtin = Builtin(rawValue: i.c) else { preconditionFailure("the compiler writes builtins only") }
        return try self.perform(builtin, registers.slice(i.b, Int(i.extra)))
    }

    mutating func perform(_ builtin: Builtin, _ arguments: Elements) throws(Code) -> Value {
        for index in 0..<arguments.count where arguments[index].has(.stream) {
            if let value = try self.performOnStream(builtin, arguments, streamIndex: index) { return value }
            arguments[index] = try self.materialise(arguments[index])
        }
        switch builtin {
        case .println, .logInfo, .logWarn, .logError, .alert, .now, .uuid, .windowStart, .windowEnd, .pane, .state,
            .setState, .setTimer, .groupKey, .param, .lookup, .emitTo, .messageKey, .messageHeader, .messageTopic,
            .messagePartition, .messageOffset, .sourceName,
            .submitJob, .await, .jobWaitCompletion, .jobGetResults, .jobStatus, .jobCancel, .jobID:
            return try self.performInHost(builtin, arguments)
        case .emit:
            do throws(EvaluationError) {
                try self.host.emit(key: arguments[0], value: arguments[1])
            } catch {
                throw error.code
            }
            return .nil
        case .throwValue:
            self.thrown = arguments[0]
            throw .thrown(try self.workspace.shown(arguments[0], .throwValue).string)
        default:
            return try self.workspace.perform(builtin, arguments)
        }
    }

    private mutating func performInHost(_ builtin: Builtin, _ arguments: Elements) throws(Code) -> Value {
        let range = self.failingRange()
        let buffer = unsafe UnsafeBufferPointer(start: UnsafePointer(arguments.start), count: arguments.count)
        do throws(EvaluationError) {
            return try unsafe self.host.perform(builtin, buffer, at: range, in: &self.workspace.arena)
        } catch {
            throw error.code
        }
    }
}
