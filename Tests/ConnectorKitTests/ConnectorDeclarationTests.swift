import ConnectorKit
import CoreTypes
import Testing

@Suite struct ConnectorDeclarationTests {
    private static let declaration = ConnectorDeclaration(
        "queue",
        as: [.streamSource],
        arguments: ArgumentsDeclaration("the name of a queue", count: 1...2) { text, _ in
            text.hasPrefix("q") ? nil : "can't have \(text): queues begin with q"
        },
        options: [
            OptionDeclaration("depth", .integer(1...9)), OptionDeclaration("mode", .word(["fast", "safe"])),
            OptionDeclaration("at", .either([.word(["start"]), .integer(0...5, noun: "a position")])),
            OptionDeclaration("hosts", .texts("a host"), isRequired: true),
            OptionDeclaration(
                "extra",
                .map(example: "{\"a\" 1}") { name, _ in name == "bad" ? "bad is refused" : nil }
            ),
            OptionDeclaration("sorted", .refused("queues have an order; leave it out")),
            OptionDeclaration("mark", .separator), OptionDeclaration("shape", .format(["text", "csv"])),
            OptionDeclaration("durable", .boolean), OptionDeclaration("owner", .text("a name")),
        ]
    )

    private static let hosts: [String: SettingValue?] = ["hosts": .string("a")]

    @Test func `a call that says what was declared has no problems`() {
        let problems = Self.problems(
            [.string("q1"), .list([.string("q2")])],
            [
                "at": .integer(3), "depth": .integer(9), "durable": .boolean(false), "mode": .string("fast"),
                "extra": .map(["a": .integer(1)]), "hosts": .list([.string("a"), .string("b")]), "mark": .string(";"),
                "shape": .call("csv"), "owner": .string("me"),
            ]
        )

        #expect(problems == [])
    }

    @Test(arguments: [
        ("depth", SettingValue.integer(10), "must be an integer from 1 to 9, not 10", SettingProblem.Kind.optionValue),
        ("depth", .string("3"), "must be an integer from 1 to 9, not \"3\"", .optionType),
        ("mode", .string("fats"), "must be one of 'fast, 'safe, not \"fats\"", .optionValue),
        ("at", .integer(6), "must be one of 'start, or a position, not 6", .optionValue),
        ("at", .boolean(true), "must be one of 'start, or a position, not true", .optionType),
        ("hosts", .list([]), "must be a host, or a list of such, not a list", .optionValue),
        ("hosts", .map([:]), "must be a host, or a list of such, not a map", .optionType),
        ("extra", .map(["bad": .nil]), "can't be used: bad is refused", .optionValue),
        ("mark", .string("ab"), "a string of one ASCII character", .optionValue),
        ("mark", .string("\""), "a string of one ASCII character", .optionValue),
        ("shape", .call("tsv"), "must be one of 'text, 'csv or (csv :header true), not (tsv …)", .optionType),
        ("durable", .other("a function"), "must be true or false, not a function", .optionType),
        ("owner", .string(""), "must be a name, not an empty string", .optionValue),
    ])
    func `a wrong value is told with what would be right`(
        option: String,
        value: SettingValue,
        text: String,
        kind: SettingProblem.Kind
    ) {
        let problems = Self.problems([.string("q")], Self.hosts.merging([option: value]) { $1 })

        #expect(problems.map(\.place) == [.optionValue(option)])
        #expect(problems.map(\.kind) == [kind])
        #expect(problems.first?.predicate.contains(text) == true, "\(problems)")
    }

    @Test func `a word that is nearly right gets the right one`() {
        let problems = Self.problems([.string("q")], Self.hosts.merging(["mode": .string("fats")]) { $1 })

        #expect(problems.first?.help == "did you mean 'fast?")
    }

    @Test func `an unknown option lists those that can be written`() {
        let problems = Self.problems([.string("q")], Self.hosts.merging(["dept": nil]) { $1 })

        #expect(problems.map(\.kind) == [.unknownOption])
        #expect(
            problems.first?.help
                == "did you mean :depth? its options are :at :depth :durable :extra :hosts :mark :mode :owner :shape"
        )
    }

    @Test func `an option that isn't taken here says why, whatever its value`() {
        let problems = Self.problems([.string("q")], Self.hosts.merging(["sorted": nil]) { $1 })

        let sentence = problems.first?.sentence(about: "queue")
        #expect(sentence == "queue can't have :sorted: queues have an order; leave it out")
    }

    @Test func `an option that is needed is missed`() {
        #expect(Self.problems([.string("q")], [:]).map(\.kind) == [.missingOption])
        #expect(Self.problems([.string("q")], ["hosts": nil]) == [])
    }

    @Test(arguments: [
        ([SettingValue?](), "queue needs the name of a queue, and got none"),
        ([.string("q1"), .string("q2"), .string("q3")], "queue takes at most 2 arguments"),
        ([.list([.string("q1"), .string("q2"), .string("q3")]), nil], "queue takes at most 2 arguments"),
        ([.integer(7)], "queue needs the name of a queue, and 7 isn't a string"),
        ([.string("")], "not an empty string"), ([.string("x")], "queue can't have x: queues begin with q"),
    ])
    func `wrong arguments are told`(arguments: [SettingValue?], text: String) {
        let problems = Self.problems(arguments, Self.hosts)

        #expect(problems.count == 1)
        #expect(problems.first?.sentence(about: "queue").contains(text) == true, "\(problems)")
    }

    @Test func `what isn't known yet isn't wrong`() {
        #expect(Self.problems([nil], ["hosts": nil, "depth": nil]) == [])
        #expect(Self.problems([nil, nil, nil], Self.hosts) == [])
    }

    private static func problems(_ arguments: [SettingValue?], _ options: [String: SettingValue?]) -> [SettingProblem] {
        self.declaration.problems(with: KnownSettings(name: "queue", arguments: arguments, options: options))
    }
}
