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
    static func check(_ source: SourceFile) -> CheckedProgram {
        Frontend.check(source, connectors: ConnectorCheck(ConnectorCatalog.standard.declarations))
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
