/// The templates of each type.
enum Grammar {
    static func templates(of type: GrammarType) -> [GrammarTemplate] { self.byType[type] ?? [] }

    /// Templates without holes, for where the program is deep enough.
    static func leaves(of type: GrammarType) -> [GrammarTemplate] { self.leavesByType[type] ?? [] }

    /// Every template as it is written, so that a test can tell which builtins are never generated.
    package static let allText: [String] = GrammarType.allCases.flatMap {
        Self.written(for: $0) + Self.writtenLeaves(for: $0)
    }

    private static let byType: [GrammarType: [GrammarTemplate]] = Self.table { type in
        Self.written(for: type) + Self.controlForms(of: type) + [Self.writtenLeaves(for: type)[0]]
    }

    private static let leavesByType: [GrammarType: [GrammarTemplate]] = Self.table(Self.writtenLeaves)

    private static func table(_ texts: (GrammarType) -> [String]) -> [GrammarType: [GrammarTemplate]] {
        Dictionary(uniqueKeysWithValues: GrammarType.allCases.map { ($0, texts($0).map { GrammarTemplate($0) }) })
    }

    /// Forms that exist for every type.
    private static func controlForms(of type: GrammarType) -> [String] {
        guard type != .any, type != .binaryFunction else { return [] }
        return [
            "(if <B> <T> <T>)",
            "(let (($x <I>) ($y <S>)) <T|$x:I,$y:S>)",
            "(let (($f (lambda ($a) <T|$a:I>))) ($f <I>))",
            "((fn ($a $b) <T|$a:S,$b:L>) <S> <L>)",
            "(cond ((not <B>) <T>) ((= <A> <A>) <T>) (else <T>))",
            "(do <E> <T>)",
            "(begin <A> <T>)",
            "(match <A> (0 <T>) ([$a $b] <T>) ({:a $c} <T>) (\"x\" <T>) ((when $n (number? $n)) <T>) (_ <T>))",
            "(match <I> (1 <T>) (2 <T>) ((when $n (> $n 5)) <T|$n:I>) ($m <T|$m:I>))",
            "(match (list 'put <I> <S>) ((get $k) <T>) ((put $k $v) <T|$k:I,$v:S>))",
            "(try <T> (catch $e <T>))",
            "(try (throw <I>) (catch $e <T|$e:I>) (finally <E>))",
            "(try (do <A> (throw <M>)) (catch $e <T|$e:M>))",
            "(try (quot <I> <I>) <T> (catch $e (do (get $e :error) <T>)))",
            "(or (and <B> <T>) <T>)",
        ].map { $0.replacingOccurrences(of: "<T", with: "<\(type.rawValue)") }
    }

    private static func written(for type: GrammarType) -> [String] {
        switch type {
        case .integer: Self.integers
        case .float: Self.floats
        case .boolean: Self.booleans
        case .string: Self.strings
        case .keyword: ["(keyword <S>)", "(keyword (name <K>))", "(first (keys <M>))"]
        case .integers: Self.integerLists
        case .strings: Self.stringLists
        case .map: Self.maps
        case .set: ["(set <L>)", "(set <W>)", "(conj <Z> <A>)", "(set (list <A> <A> <A>))", "(set)"]
        case .binaryFunction: ["(lambda ($a $b) <I|$a:I,$b:I>)", "(fn [$a $b] <I|$a:I,$b:I>)"]
        case .any: []
        case .statement: Self.statements
        }
    }

    private static func writtenLeaves(for type: GrammarType) -> [String] {
        switch type {
        case .integer:
            [
                "1", "0", "-1", "2", "3", "7", "10", "100", "-13", "9223372036854775807", "4611686018427387904",
                "-9223372036854775808",
            ]
        case .float:
            [
                "1.5", "0.0", "-0.0", "2.0", "-3.25", "1.0e10", "0.1", "9.5e18", "9007199254740992.0",
                "9.223372036854775807e18",
            ]
        case .boolean: ["true", "false", "#t", "#f"]
        case .string:
            [
                "\"a b\"", "\"\"", "\"Straße, ÉCOLE\"", "\"x=1;y=2\"", "\" 12 \"", "\"42\"", "\"-1.5\"",
                "\"tab\\there\"",
                "\"日本語 😀\"", "\"2024-02-29T12:30:00Z\"", "\"{\\\"a\\\": [1, 2.5]}\"", "\"a\"", "\",\"",
                "\"[1e5, -0, 0.10, 12345678901234567890]\"", "\"1e5\"", "\"+5\"", "\"\\\"q\\\" \\\\ \\n\"", "\"aXbXc\"",
                "\"\\\"\\\\u00e9\\\\ud83d\\\\ude00\\\\ud83d\\\"\"", "\"İıẞ\"",
            ]
        case .keyword: [":a", ":b", ":user-id", ":n"]
        case .integers: ["[1 2 3]", "[]", "'(3 1 2 1)", "(list 5)", "(range 4)", "[10 -2 7 7]"]
        case .strings: ["[\"b\" \"a\"]", "[]", "(list \"x\" \"y\" \"x\")", "[\"É\" \"é\" \"\"]"]
        case .map: ["{:a 1}", "{}", "{:a 1 :b 2}", "{\"a\" 3 :c 4}", "{1 2 :b 5}"]
        case .set: ["(set)", "(set [1 2])"]
        case .binaryFunction: ["+", "-", "max", "min", "*"]
        case .any: ["nil"]
        case .statement: ["(emit line 1)", "(emit key line)", "(emit \"all\" key)", "nil"]
        }
    }
}

extension String {
    fileprivate func replacingOccurrences(of old: String, with new: String) -> String {
        self.split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
    }
}
