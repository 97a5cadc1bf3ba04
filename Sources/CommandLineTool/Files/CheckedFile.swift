import ConnectorCatalog
import FluentSyntax
import ProgramService

/// A program that was read and checks.
struct CheckedFile: Sendable {
    let source: SourceFile
    let program: Program

    /// What was found nevertheless.
    let warnings: DiagnosticReport

    /// Why there is none.
    enum Problem: Error, Sendable {
        case unreadable(ProgramFileError)
        case wrong(DiagnosticReport)
    }

    static func load(_ path: String) throws(Problem) -> CheckedFile {
        let source: SourceFile
        do {
            source = try ProgramFile.read(path)
        } catch {
            throw .unreadable(error)
        }
        let checked = Self.check(source)
        let report = DiagnosticReport(source: source, diagnostics: checked.diagnostics)
        guard let program = checked.program, !report.hasErrors else { throw .wrong(report) }
        return CheckedFile(source: source, program: program, warnings: report)
    }

    /// Checks a program, the calls of this build's connectors included.
    ///
    /// `defaults`: The settings of connectors that a run would be given, to warn of those that it would miss; nil: the run
    /// itself says so.
    static func check(_ source: SourceFile, defaults: [String: String]? = nil) -> CheckedProgram {
        let names = defaults.map { Set($0.keys) }
        return Frontend.check(
            source,
            connectors: ConnectorCheck(ConnectorCatalog.standard.declarations, defaults: names)
        )
    }

    /// As ``load(_:)``, and says what is wrong.
    static func load(_ path: String, console: Console) -> CheckedFile? {
        do {
            let file = try self.load(path)
            if !file.warnings.diagnostics.isEmpty { console.note(file.warnings.text) }
            return file
        } catch {
            error.show(console)
            return nil
        }
    }
}

extension CheckedFile.Problem {
    func show(_ console: Console) {
        switch self {
        case .unreadable(let error): console.note("error: \(error.message)")
        case .wrong(let report): console.note(report.text)
        }
    }
}
