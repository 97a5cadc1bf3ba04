import Testing

@testable import FluentSyntax

@Suite struct JoinCheckerTests {
    private static let source = "(union :orders (kafka-topic \"o\") :payments (kafka-topic \"p\"))"

    private static func text(_ clauses: String, source: String = Self.source) -> String {
        """
        (define span "1 h")
        (define topics \(Self.source))
        (define (id r) (get r :id))
        (define (pair order payment) (merge payment order))
        (define-stream-processor p :source \(source) :sink (stdout) :time :ts \(clauses))
        """
    }

    @Test(arguments: [
        "(join (:orders :id) (:payments :order-id) :to \"1 h\")",
        "(join (:payments :order-id) (:orders :id) :from \"-1 h\" :to 0)",
        "(join (:orders :id) (:payments :order-id) :from -5 :to \"-1 ms\" :name \"paid\" pair)",
        "(join (:orders [:id :shop]) (:payments [:order-id id]) :to span merge)",
        "(join (:orders id) (:payments (lambda (p) (get p :order-id))) (lambda (o p) {:order o :paid p}) :to 5)",
        "(filter (lambda (r) (= (source-name) \"orders\"))) (join (:orders :id) (:payments :id) :to 1) (map id)",
        "(join (:orders :id) (:payments :id) :to 1) (deduplicate :id :within 5)",
        "(join (:orders :id) (:payments :id) :to 1 (lambda (o p) (lookup (table (generate) :key :a) (source-name))))",
    ])
    func `two sources of a union are joined`(clauses: String) {
        #expect(CheckerTests.codes(Self.text(clauses)) == [])
        #expect(CheckerTests.codes(Self.text(clauses, source: "topics")) == [])
    }

    @Test(arguments: [
        ("(join)", "malformed-form", "(join)"),
        ("(join (:orders :id) :to 1)", "malformed-form", "(join (:orders :id) :to 1)"),
        ("(join :orders (:payments :id) :to 1)", "malformed-form", "(join :orders (:payments :id) :to 1)"),
        ("(join (orders :id) (:payments :id) :to 1)", "malformed-form", "(orders :id)"),
        ("(join (:orders) (:payments :id) :to 1)", "malformed-form", "(:orders)"),
        ("(join (:orders :id) [:payments :id] :to 1)", "malformed-form", "[:payments :id]"),
        ("(join (:orders \"id\") (:payments :id) :to 1)", "option-type", "\"id\""),
        ("(join (:orders :id) (:payments pair) :to 1)", "argument-count", "pair"),
        ("(join (:orders [:id :shop]) (:payments :id) :to 1)", "malformed-form", ":payments"),
        ("(join (:orders :id) (:orders :id) :to 1)", "duplicate-name", ":orders"),
        ("(join (:order :id) (:payments :id) :to 1)", "unknown-name", ":order"),
        ("(join (:orders :id) (:payments :id))", "malformed-form", "(join (:orders :id) (:payments :id))"),
        ("(join (:orders :id) (:payments :id) :to \"soon\")", "option-value", "\"soon\""),
        ("(join (:orders :id) (:payments :id) :from 1 :to \"36526 d\")", "option-value", "\"36526 d\""),
        ("(join (:orders :id) (:payments :id) :from 2 :to 1)", "option-value", "1"),
        ("(join (:orders :id) (:payments :id) :to -1)", "option-value", "-1"),
        ("(join (:orders :id) (:payments :id) :to 1 :within 5)", "unknown-option", ":within"),
        ("(join (:orders :id) (:payments :id) :to 1 :to 2)", "duplicate-option", ":to"),
        ("(join (:orders :id) (:payments :id) :to 1 id)", "argument-count", "id"),
        ("(join (:orders :id) (:payments :id) :to 1 pair merge)", "malformed-form", "merge"),
        ("(join (:orders :id) (:payments :id) :to 1 (lambda (a b) (emit a)))", "argument-count", "(emit a)"),
        ("(join (:orders :id) (:payments :id) :to 1 (lambda (a b) (set-state a)))", "no-state", "(set-state a)"),
        ("(key-by :id) (join (:orders a) (:payments b))", "malformed-form", "(join (:orders a) (:payments b))"),
    ])
    func `a wrong join is one error at its place`(clauses: String, code: String, place: String) {
        let text = Self.text(clauses)

        let diagnostics = Frontend.check(.make(text)).diagnostics

        #expect(diagnostics.map(\.code) == [code])
        #expect(StreamCheckerTests.marked(text, diagnostics.first) == place)
        #expect(code == "option-type" || diagnostics.first?.help.isEmpty == false)
    }

    @Test(arguments: [
        ("(kafka-topic \"o\")", "unknown-name"), ("(union (kafka-topic \"o\") (kafka-topic \"p\"))", "unknown-name"),
        ("(union :orders (kafka-topic \"o\"))", "unknown-name"),
        ("(union (kafka-topic \"x\") :orders (kafka-topic \"o\") :payments (kafka-topic \"p\"))", "option-value"),
        ("(union :orders (kafka-topic \"o\") :payments (kafka-topic \"p\") :more (generate))", "option-value"),
        ("(stdout)", "option-type"),
    ])
    func `every source of a join is on one of its sides`(source: String, code: String) {
        let text = Self.text("(join (:orders :id) (:payments :id) :to 1)", source: source)

        #expect(CheckerTests.codes(text) == [code])
    }

    @Test func `a side may be several sources, and a union may lie in another`() {
        let orders = "(union :orders (union (kafka-topic \"o\") :old (kafka-topic \"x\")))"
        let parts = "(union \(orders) :payments (generate))"
        let text = Self.text("(join (:orders :id) (:payments :id) :to 1)", source: parts)

        #expect(CheckerTests.codes(text) == [])
    }

    @Test func `a join in a program reads as it is formatted`() throws {
        let clause =
            "(join (:orders :id) (:payments :order-id) :from \"-5 min\" :to \"1 h\" (lambda (order payment) "
            + "{:id (get order :id) :paid-after (- (get payment :ts) (get order :ts)) :by (get payment :by)}))"
        let formatted = try Formatter.formatted(.make(Self.text(clause)))

        #expect(formatted.contains("  (join (:orders :id) (:payments :order-id)\n    :from \"-5 min\"\n"))
        #expect(CheckerTests.codes(formatted) == [])
    }
}
