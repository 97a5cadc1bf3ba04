import CoreTypes
import FluentSyntax
import Testing

@testable import JobPlan

struct EmittedShapeTests {
    @Test(arguments: [
        ("(for (word (split line \" \")) (emit word 1))", "string", "1"),
        ("(emit line (parse-int line))", "string", "integer"),
        ("(emit (count line) (+ 1 (parse-float line)))", "integer", "float"),
        (
            "(let ((fields (split line \" \"))) (emit (nth fields 0) [(parse-int (nth fields 1)) 1]))", "string",
            "[integer 1]"
        ),
        ("(emit line {:n (* 2 (count line)) :name (upper line)})", "string", "{:n integer :name string}"),
        ("(if (empty? line) (emit 0 1) (emit 1 2))", "0 or 1", "1 or 2"),
        ("(emit line (if (empty? line) 1 0.5))", "string", "1 or 0.5"),
        ("(emit line (get (parse-json line) :a))", "string", "value"),
        ("(emit line (- (get (parse-json line) :a) 1))", "string", "number"),
        ("(helper line)", "string", "integer"),
    ])
    func `what the map emits is seen in its program`(body: String, key: String, value: String) throws {
        let shapes = try Self.shapes(body)

        #expect(shapes.key.name == key)
        #expect(shapes.value.name == value)
    }

    @Test func `a helper that calls itself leaves everything open`() throws {
        let shapes = try Self.shapes("(again line 3)")

        #expect(!shapes.key.isKnown)
        #expect(!shapes.value.isKnown)
    }

    @Test(arguments: 0..<UInt64(50))
    func `made-up values are of their shape`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let shape = ValueShape.tuple([.integer, .list(.string), .map([ValueShape.Entry(.keyword("a"), .float)])])

        guard case .list(let elements) = shape.makeValue(&random), elements.count == 3,
            case .integer = elements[0], case .list = elements[1], case .map(let entries) = elements[2],
            case .float(let float) = entries[0].value
        else {
            Issue.record("replay with seed \(seed)")
            return
        }
        #expect(float.isFinite)
    }

    @Test func `what is left open is filled in at every depth`() {
        let shape = ValueShape.tuple([.unknown, .list(.unknown), .constant(.integer(1))])

        #expect(shape.filled(with: .string) == .tuple([.string, .list(.string), .constant(.integer(1))]))
    }

    private static func shapes(_ body: String) throws -> EmittedShapes {
        let plan = try JobText.plan(
            ":map (lambda (line) \(body)) :reduce (lambda (k vs) (emit k (sum vs)))",
            before: """
                (define (helper line) (emit line (count line)))
                (define (again line n) (if (> n 0) (do (emit n line) (again line (- n 1))) nil))
                """
        )
        return EmittedShapes(try #require(plan.optimised.map), format: .text)
    }
}
