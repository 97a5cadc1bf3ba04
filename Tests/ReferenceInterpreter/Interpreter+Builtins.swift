import FluentSyntax

extension Interpreter {
    /// Performs a builtin whose argument count has been checked.
    func perform(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        for argument in call.arguments { try self.countSize(of: argument, at: call.range) }
        let value = try self.performUncounted(call)
        try self.countSize(of: value, at: call.range)
        return value
    }

    private func performUncounted(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        switch call.builtin {
        case .add, .subtract, .multiply, .divide, .quotient, .remainder, .modulo, .increment, .decrement, .absolute,
            .floor, .ceiling, .round, .squareRoot, .power:
            try self.performArithmetic(call)
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            .boolean(try self.performComparison(call))
        case .not, .isNil, .isEmpty, .isString, .isNumber, .isInteger, .isFloat, .isBoolean, .isList, .isMap, .isSet,
            .isKeyword, .isSymbol, .isFunction:
            .boolean(try self.performPredicate(call))
        case .str, .split, .join, .trim, .lower, .upper, .replace, .contains, .startsWith, .endsWith, .substring,
            .reMatch, .reFindAll, .format, .parseInt, .parseFloat, .keyword, .symbol, .name:
            try self.performText(call)
        case .get, .getIn, .assoc, .dissoc, .update, .keys, .vals, .merge, .set, .conj:
            try self.performMap(call)
        case .list, .count, .first, .rest, .last, .nth, .take, .drop, .concat, .append, .cons, .reverse, .sort,
            .distinct, .range, .zip:
            try self.performList(call)
        case .sortBy, .map, .filter, .reduce, .fold, .flatMap, .groupBy, .any, .all, .forEachCall, .apply:
            try self.performHigherOrder(call)
        case .sum, .min, .max, .mean, .countDistinct, .quantile:
            try self.performAggregate(call)
        case .parseJSON, .toJSON, .parseTime, .formatTime, .hash:
            try self.performConversion(call)
        case .now, .uuid, .println, .logInfo, .logWarn, .logError, .alert, .throwValue, .emit, .windowStart, .windowEnd,
            .pane, .state, .setState, .setTimer, .groupKey, .lookup, .emitTo, .messageKey, .messageHeader,
            .messageTopic, .messagePartition, .messageOffset, .sourceName, .param, .submitJob, .await,
            .jobWaitCompletion, .jobGetResults, .jobStatus, .jobCancel, .jobID:
            try self.performEffect(call)
        }
    }

    private func performEffect(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        switch call.builtin {
        case .now: return .integer(self.world.now)
        case .uuid: return .string(self.world.uuid)
        case .println, .logInfo, .logWarn, .logError, .alert: self.print(Self.line(call.arguments))
        case .emit: self.emit(try call.key(call[0]), call[1])
        case .throwValue:
            self.thrownValue = call[0]
            throw call.error(.thrown(call[0].printed.string))
        case .param: return try self.parameter(call)
        default: throw call.error(.host(message: "\(call.name) needs an engine; run the program with weir run"))
        }
        return .nil
    }

    private static func line(_ values: [ReferenceValue]) -> Text {
        values.map { if case .nil = $0 { Text("nil") } else { $0.printed } }.joined(separator: Text(" "))
    }

    private func parameter(_ call: BuiltinCall) throws(EvaluationError) -> ReferenceValue {
        guard case .string(let name) = call[0] else { throw call.mismatch(TypeName.string, call[0]) }
        if let value = self.world.parameters[name.string] { return .string(value) }
        guard call.count == 2 else { throw call.invalid("\(name.string) isn't set; pass -D \(name.string)=…") }
        return call[1]
    }

    private func performPredicate(_ call: BuiltinCall) throws(EvaluationError) -> Bool {
        switch (call.builtin, call[0]) {
        case (.not, let value): return !value.isTrue
        case (.isEmpty, .string(let text)): return text.bytes.isEmpty
        case (.isEmpty, _): return try call.elements(0).isEmpty
        case (.isNil, .nil), (.isString, .string), (.isNumber, .integer), (.isNumber, .float), (.isInteger, .integer),
            (.isFloat, .float), (.isBoolean, .boolean), (.isList, .list), (.isMap, .map), (.isSet, .set),
            (.isKeyword, .keyword), (.isSymbol, .symbol), (.isFunction, .function), (.isFunction, .builtin):
            return true
        default: return false
        }
    }

    private func performComparison(_ call: BuiltinCall) throws(EvaluationError) -> Bool {
        let neighbours = Array(zip(call.arguments, call.arguments.dropFirst()))
        switch call.builtin {
        case .equal: return neighbours.allSatisfy { $0.isSame(as: $1, .value) }
        case .notEqual: return !call[0].isSame(as: call[1], .value)
        default: break
        }
        // One argument too must be something that could be compared.
        _ = try call.comparables(call.arguments)
        let wanted: [Ordering] =
            switch call.builtin {
            case .less: [.less]
            case .lessOrEqual: [.less, .equal]
            case .greater: [.greater]
            default: [.greater, .equal]
            }
        return neighbours.allSatisfy { left, right in
            Self.compare(left, right).map { wanted.contains($0) } ?? false
        }
    }

    /// The order of two numbers or two strings; nil where one is NaN.
    static func compare(_ left: ReferenceValue, _ right: ReferenceValue) -> Ordering? {
        if case .string(let left) = left, case .string(let right) = right {
            return ReferenceValue.compareTexts(left, right)
        }
        return ReferenceValue.compareNumbers(left, right)
    }
}
