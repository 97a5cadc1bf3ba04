extension Builtin {
    /// How a call of it is written, for messages: `(split text separator)`.
    ///
    /// Optional arguments are in brackets; `…` says that more of the same may follow.
    package var usage: String {
        let arguments = self.argumentNames
        return arguments.isEmpty ? "(\(self.name))" : "(\(self.name) \(arguments))"
    }

    private var argumentNames: String {
        switch self {
        case .add, .multiply: "number…"
        case .subtract, .divide: "number number…"
        case .quotient, .remainder, .modulo: "integer integer"
        case .increment, .decrement: "number [amount]"
        case .absolute, .floor, .ceiling, .round, .squareRoot: "number"
        case .power: "number exponent"
        case .equal, .less, .lessOrEqual, .greater, .greaterOrEqual: "value value…"
        case .notEqual: "value value"
        case .not, .isNil, .isString, .isNumber, .isInteger, .isFloat, .isBoolean, .isList, .isMap, .isSet, .isKeyword,
            .isSymbol, .isFunction, .hash, .toJSON, .throwValue, .await, .setState:
            "value"
        case .isEmpty, .count, .first, .rest, .last, .reverse, .sort, .distinct: "list"
        case .str, .println: "value…"
        case .split: "text separator"
        case .join: "[separator] list"
        case .trim, .lower, .upper, .parseJSON: "text"
        case .replace: "text pattern replacement"
        case .contains: "collection value"
        case .startsWith, .endsWith: "text part"
        case .substring: "text start [end]"
        case .reMatch, .reFindAll: "pattern text"
        case .format: "template value…"
        case .parseInt, .parseFloat: "text [default]"
        case .keyword, .symbol, .name: "name"
        case .get: "map key [default]"
        case .getIn: "map keys [default]"
        case .assoc: "map key value…"
        case .dissoc: "map key…"
        case .update: "map key function argument…"
        case .keys, .vals: "map"
        case .merge: "map…"
        case .set: "[list]"
        case .conj: "collection value…"
        case .list: "value…"
        case .nth: "list index [default]"
        case .take, .drop: "count list"
        case .concat: "list…"
        case .append: "list value…"
        case .cons: "value list"
        case .sortBy, .map, .filter, .flatMap, .groupBy, .any, .all, .forEachCall: "function list"
        case .range: "[start] end [step]"
        case .reduce: "function [initial] list"
        case .fold: "function initial list"
        case .zip: "list list"
        case .apply: "function arguments"
        case .sum, .mean, .countDistinct: "values"
        case .min, .max: "values…"
        case .quantile: "fraction values"
        case .now, .uuid, .windowStart, .windowEnd, .pane, .state, .groupKey: ""
        case .messageKey, .messageTopic, .messagePartition, .messageOffset, .sourceName: ""
        case .setTimer: "time"
        case .lookup: "table key [default]"
        case .emitTo: "name record"
        case .messageHeader: "name"
        case .parseTime: "text [format]"
        case .formatTime: "time [format]"
        case .logInfo, .logWarn, .logError: "message [details]"
        case .alert: "message value…"
        case .emit: "key value"
        case .param: "name [default]"
        case .submitJob: "definition"
        case .jobWaitCompletion, .jobGetResults, .jobStatus, .jobCancel, .jobID: "job"
        }
    }
}
