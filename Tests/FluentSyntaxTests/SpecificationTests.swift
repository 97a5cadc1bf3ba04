import FluentSyntax
import Testing

@Suite struct SpecificationTests {
    @Test(arguments: Fixtures.names)
    func `every block of the specification reads without a word`(name: String) throws {
        let source = try Fixtures.read(name)

        let result = Reader.read(source)

        #expect(result.diagnostics == [], "\(DiagnosticRenderer(source: source).text(result.diagnostics))")
        #expect(!result.forms.isEmpty)
    }

    @Test(arguments: Fixtures.names)
    func `checking a block refuses only what isn't available`(name: String) throws {
        let source = try Fixtures.read(name)

        let checked = Frontend.check(source)

        let other = checked.diagnostics.filter { $0.code != "not-available" }
        #expect(other == [], "\(DiagnosticRenderer(source: source).text(other))")
    }

    @Test(arguments: ["spec-06.fl", "spec-08.fl"])
    func `the specification's jobs check without a word`(name: String) throws {
        let source = try Fixtures.read(name)

        let checked = Frontend.check(source)

        #expect(checked.diagnostics == [], "\(DiagnosticRenderer(source: source).text(checked.diagnostics))")
        #expect(checked.program != nil)
    }
}
