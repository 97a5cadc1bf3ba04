/// The way from program text to a checked program.
package enum Frontend {
    /// Reads, checks and lowers one program.
    ///
    /// Forms are checked even when atoms are malformed; not when brackets don't match, because then nobody knows
    /// which form is inside which.
    ///
    /// - Parameters:
    ///   - source: The program text.
    ///   - patternProblem: Says what is wrong with a regular expression, nil if nothing is. Without it they aren't
    ///     looked into: compiling them belongs to another layer.
    ///   - connectors: Says what is wrong with calls of sources and sinks. Without it only their shape is checked.
    /// - Returns: The program, if it has no errors, and everything there is to say about it.
    package static func check(
        _ source: SourceFile,
        patternProblem: ((String) -> String?)? = nil,
        connectors: (any ConnectorChecking)? = nil
    ) -> CheckedProgram {
        let read = Reader.read(source)
        guard read.isBalanced else { return CheckedProgram(program: nil, diagnostics: read.diagnostics) }
        var lowering = Lowering(source: source, forms: read.forms, patternProblem: patternProblem)
        let forms = lowering.lowerProgram(read.forms)
        if let connectors { lowering.checkConnectorCalls(connectors) }
        var functions = FunctionUseCheck(source: source, forms: forms)
        var all = DiagnosticList()
        for diagnostic in read.diagnostics { all.add(diagnostic) }
        for diagnostic in lowering.diagnostics.sorted() { all.add(diagnostic) }
        for diagnostic in functions.check() { all.add(diagnostic) }
        let program = all.hasErrors ? nil : Program(source: source, forms: forms)
        return CheckedProgram(program: program, diagnostics: all.sorted())
    }
}

/// What checking a program gave.
package struct CheckedProgram: Sendable {
    /// Nil when there are errors.
    package let program: Program?

    /// By position.
    package let diagnostics: [Diagnostic]

    package init(program: Program?, diagnostics: [Diagnostic]) {
        self.program = program
        self.diagnostics = diagnostics
    }

    package var hasErrors: Bool { self.diagnostics.contains { $0.severity == .error } }
}
