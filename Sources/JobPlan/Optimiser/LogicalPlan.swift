import CoreTypes
import FluentSyntax

/// A job as written: one operator for each thing that its options say.
package struct LogicalPlan: Sendable {
    package let operators: [OperatorKind]

    /// The chain of a definition, nothing rewritten.
    init(_ definition: JobDefinition, partitionCount: Int) {
        let map = WholeMap(definition.map)
        var operators: [OperatorKind] = [
            .source(definition.input),
            .decode(DecodeStep(format: definition.format)),
            .map(MapFunction(whole: map)),
        ]
        if let reduce = definition.reduce {
            if let combine = CombineFunction(definition.combiner) { operators.append(.combine(combine)) }
            let exchange = Exchange(
                partitionCount: partitionCount,
                keyGroupCount: KeyGroupCount.forPartitions(partitionCount),
                payload: .values
            )
            operators += [.shuffle(exchange), .reduce(.general(reduce))]
        }
        operators += [.format(definition.sinkFormat, isSorted: definition.isSorted), .sink(definition.output)]
        self.operators = operators
    }
}

/// A job after the optimiser's passes, and what they did.
package struct OptimisedPlan: Sendable {
    package let operators: [OperatorKind]

    /// In the order of the passes; at least one for each of them.
    package let rewrites: [Rewrite]
}

extension WholeMap {
    init(_ closure: Closure) {
        self.init(closure: closure, takesKey: closure.lambda.parameters.count == 2)
    }

    /// The parameter that is the record.
    var record: Variable {
        self.closure.lambda.parameters[self.takesKey ? 1 : 0]
    }

    /// The parameter that is the record's key.
    var key: Variable? {
        self.takesKey ? self.closure.lambda.parameters[0] : nil
    }
}

extension MapFunction {
    init(whole: WholeMap) {
        self.init(closure: whole.closure, takesKey: whole.takesKey, fields: nil, whole: whole)
    }
}

extension CombineFunction {
    /// A definition's combiner, which was checked to be a function.
    init?(_ combiner: Constant?) {
        switch combiner {
        case .some(.builtin(let builtin)): self = .builtin(builtin)
        case .some(.function(let closure)): self = .closure(closure)
        default: return nil
        }
    }
}
