internal import FluentSyntax

/// Builtins that need nothing but their arguments and memory.
///
/// Arguments are values of this record, evaluated, none of them a stream; their number is right.
extension Workspace {
    mutating func perform(_ builtin: Builtin, _ arguments: Elements) throws(Code) -> Value {
        switch builtin {
        case .add, .subtract, .multiply, .divide, .quotient, .remainder, .modulo, .increment, .decrement, .absolute,
            .floor, .ceiling, .round, .squareRoot, .power:
            try self.performArithmetic(builtin, arguments)
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            try self.performComparison(builtin, arguments)
        case .not, .isNil, .isEmpty, .isString, .isNumber, .isInteger, .isFloat, .isBoolean, .isList, .isMap, .isSet,
            .isKeyword, .isSymbol, .isFunction:
            try self.performPredicate(builtin, arguments[0])
        case .str, .join, .trim, .lower, .upper, .startsWith, .endsWith, .substring, .format, .parseInt, .parseFloat,
            .keyword, .symbol, .name:
            try self.performText(builtin, arguments)
        case .split, .replace, .reMatch, .reFindAll:
            try self.performMatching(builtin, arguments)
        case .get, .getIn, .assoc, .dissoc, .update, .keys, .vals, .merge, .set, .conj, .contains:
            try self.performLookup(builtin, arguments)
        case .list, .count, .first, .rest, .last, .nth, .take, .drop, .concat, .append, .cons, .reverse, .range, .zip:
            try self.performSequence(builtin, arguments)
        case .sort, .sortBy, .distinct, .groupBy:
            try self.performOrdering(builtin, arguments)
        case .sum, .min, .max, .mean, .countDistinct, .quantile:
            try self.performAggregate(builtin, arguments)
        case .parseJSON, .toJSON, .hash:
            try self.performEncoding(builtin, arguments[0])
        case .parseTime, .formatTime:
            try self.performTime(builtin, arguments)
        case .map, .filter, .reduce, .fold, .flatMap, .any, .all, .forEachCall, .apply, .now, .uuid, .println,
            .logInfo, .logWarn, .logError, .alert, .throwValue, .emit, .windowStart, .windowEnd, .pane, .state,
            .setState, .setTimer, .groupKey, .param, .lookup, .emitTo, .messageKey, .messageHeader, .messageTopic,
            .messagePartition, .messageOffset, .sourceName,
            .submitJob, .await, .jobWaitCompletion, .jobGetResults, .jobStatus, .jobCancel, .jobID:
            preconditionFailure("\(builtin.name) isn't performed here")
        }
    }

    private func performPredicate(_ builtin: Builtin, _ value: Value) throws(Code) -> Value {
        switch builtin {
        case .not: Value(!value.isTruthy)
        case .isNil: Value(value.has(.nil))
        case .isEmpty: Value(try self.isEmpty(value))
        case .isString: Value(value.has(.string))
        case .isNumber: Value(value.isNumber)
        case .isInteger: Value(value.has(.integer))
        case .isFloat: Value(value.has(.float))
        case .isBoolean: Value(value.has(.boolean))
        case .isList: Value(value.has(.list))
        case .isMap: Value(value.has(.map))
        case .isSet: Value(value.has(.set))
        case .isKeyword: Value(value.has(.keyword))
        case .isSymbol: Value(value.has(.symbol))
        default: Value(value.isFunction)
        }
    }

    private func isEmpty(_ value: Value) throws(Code) -> Bool {
        guard value.has(.string) || Self.isSequence(value) else {
            throw self.mismatch(.isEmpty, TypeName.sequence, value)
        }
        return value.has(.nil) || value.count == 0
    }

    private mutating func performEncoding(_ builtin: Builtin, _ value: Value) throws(Code) -> Value {
        switch builtin {
        case .hash:
            self.scratch.removeAll()
            try self.encodeKey(value, .hash)
            try self.count(bytes: self.scratch.count)
            let hash = ValueCodec.hash(self.scratch.bytes)
            return Value(Int64(truncatingIfNeeded: hash & 0x7FFF_FFFF_FFFF_FFFF))
        case .toJSON:
            self.scratch.removeAll()
            try self.writeJSON(value)
            return try self.takeScratch()
        default:
            return try self.parseJSON(value)
        }
    }

    private mutating func encodeKey(_ value: Value, _ builtin: Builtin) throws(Code) {
        var walk = ValueWalk(stepsLeft: self.allStepsLeft)
        do throws(ValueWalkError) {
            try ValueCodec.encodeKey(value, into: &self.scratch, walk: &walk)
        } catch {
            throw self.failure(error, builtin)
        }
        self.allStepsLeft = walk.stepsLeft
    }

    private mutating func writeJSON(_ value: Value) throws(Code) {
        var json = ValueJSON(byteLimit: self.limits.memoryBytes, walk: ValueWalk(stepsLeft: self.allStepsLeft))
        do throws(ValueWalkError) {
            try json.append(value, to: &self.scratch)
        } catch {
            throw self.failure(error, .toJSON)
        }
        self.allStepsLeft = json.walk.stepsLeft
    }

    private mutating func parseJSON(_ value: Value) throws(Code) -> Value {
        let text = try self.text(value, .parseJSON)
        try self.count(text.count / 8)
        do throws(JSONError) {
            return try JSONReader.read(text, in: &self.arena)
        } catch {
            switch error {
            case .outOfMemory: throw self.memoryLimit
            case .tooDeep(let offset):
                let reason = "JSON nested deeper than \(JSONReader.depthLimit) levels at byte \(offset)"
                throw .invalidArgument(operation: Builtin.parseJSON.name, reason: reason)
            case .unexpected(let offset, let expected):
                let reason = "this isn't JSON: byte \(offset) should be \(expected)"
                throw .invalidArgument(operation: Builtin.parseJSON.name, reason: reason)
            }
        }
    }
}
