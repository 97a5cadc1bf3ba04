package import FluentSyntax

/// The map of a job, ready to be compiled.
package struct MapFunction: Sendable {
    /// Its parameters are the record's key where ``takesKey``, then one for each of ``fields``, or else the record.
    package let closure: Closure
    package let takesKey: Bool

    /// What the decode step must extract, in the order of the parameters; nil: the record as a whole.
    package let fields: [ProjectedField]?

    /// The map without projection, for records that have no fields because they are no maps; equal to ``closure``
    /// where nothing was projected.
    package let whole: WholeMap

    package init(closure: Closure, takesKey: Bool, fields: [ProjectedField]?, whole: WholeMap) {
        precondition(
            closure.lambda.parameters.count == (takesKey ? 1 : 0) + (fields?.count ?? 1),
            "the map's parameters are its inputs"
        )
        self.closure = closure
        self.takesKey = takesKey
        self.fields = fields
        self.whole = whole
    }
}

/// A map that takes its record as a whole.
package struct WholeMap: Sendable {
    /// The key where ``takesKey``, then the record.
    package let closure: Closure
    package let takesKey: Bool

    package init(closure: Closure, takesKey: Bool) {
        self.closure = closure
        self.takesKey = takesKey
    }
}

/// One field of a record that a map reads.
package struct ProjectedField: Hashable, Sendable {
    package let name: String

    /// What the parameter is where the record has no such field; a field that is there and null is nil.
    package let absentValue: Constant

    /// The first place that reads it.
    package let range: SourceRange

    package init(name: String, absentValue: Constant, range: SourceRange) {
        self.name = name
        self.absentValue = absentValue
        self.range = range
    }
}

/// Whether records must be cut at line ends before the map sees them.
package enum LineCutting: Hashable, Sendable {
    /// One record a line.
    case perLine
    /// The map only walks over the pieces of its record between separators: a scanner may treat a line's end as one
    /// more separator and never build the record.
    case elided(ElidedSplit)
}

/// The loop `(for (element (split record separator)) …)` that a map consists of.
package struct ElidedSplit: Hashable, Sendable {
    /// A string or a regex.
    package let separator: Constant
    package let element: Variable

    package init(separator: Constant, element: Variable) {
        self.separator = separator
        self.element = element
    }
}
