/// What a generated map splits at.
struct Separator {
    /// The second argument of `split`.
    let code: String

    /// What text must hold for it to split.
    let samples: [[UInt8]]

    private init(_ code: String, _ samples: [String]) {
        self.code = code
        self.samples = samples.map { Array($0.utf8) }
    }

    /// Those that kernels cut at.
    static let plain: [Separator] = [
        Separator("\" \"", [" "]), Separator("\",\"", [","]), Separator("\"\\t\"", ["\t"]), Separator("\"a\"", ["a"]),
        Separator("\"\\0\"", ["\0"]), Separator("\"0\"", ["0"]), Separator(#"#"\s+""#, [" ", "\t", "  ", "\u{B}"]),
        Separator(#"#"\s+""#, [" ", "\r", "\u{C} "]), Separator(#"#"\s""#, [" ", "\t"]), Separator("#\",\"", [","]),
        Separator("#\"[,;]\"", [",", ";"]), Separator("#\"[,;]+\"", [",", ";", ",;"]),
        Separator("#\" +\"", [" ", "  "]),
        Separator("#\"[^a-z]+\"", [" ", "É", "日", "-", "9"]), Separator("#\"[^A-Za-z0-9']+\"", [" ", ",", "é", "—"]),
        Separator("#\"[a-c]+\"", ["a", "cab", "b"]), Separator("#\"[a-c]\"", ["a", "bb"]),
        Separator(#"#"\d+""#, ["1", "42"]),
        Separator(#"#"\w+""#, ["w", "x_1"]), Separator(#"#"\S+""#, ["s", "é"]),
        Separator(#"#"[\s,.]+""#, [" ", ", ", "."]),
        Separator(#"#"\.""#, ["."]), Separator("#\"[.]+\"", [".", ".."]), Separator(#"#"\r+""#, ["\r", "\r\r"]),
        Separator(#"#"[\r,]+""#, ["\r", ","]), Separator("#\"[^,]+\"", ["x", "é", " "]),
        Separator("#\"[-a]+\"", ["-", "a"]),
        Separator("#\"[a-]\"", ["-", "a"]), Separator(#"#"[\]x]+""#, ["]", "x"]), Separator("#\"[]x]\"", ["]", "x"]),
        Separator(#"#"[^\s]+""#, ["n", "日本"]), Separator(#"#"[^\x41]""#, ["A", "b"]), Separator("#\"-\"", ["-"]),
        Separator(#"#"[\n,]+""#, [","]), Separator(#"#"\t""#, ["\t"]), Separator(#"#"[ \t]+""#, [" ", "\t"]),
    ]

    /// Those that are the machine's.
    static let others: [Separator] = [
        Separator("\"\"", [""]), Separator("\", \"", [", "]), Separator("\"é\"", ["é"]), Separator("\"\\r\"", ["\r"]),
        Separator("#\"[^a-z]\"", [" ", "é"]), Separator("#\"(,|;)+\"", [",", ";"]), Separator("#\"é+\"", ["é", "éé"]),
        Separator("#\"[[:alpha:]]+\"", ["a", "z"]), Separator(#"#"\s*""#, [" "]), Separator(#"#"\W+""#, [" ", "-"]),
        Separator("#\"[éa]+\"", ["é", "a"]), Separator(#"#"\r""#, ["\r"]), Separator("#\",+?\"", [","]),
        Separator("#\"x?\"", ["x"]), Separator("#\"a|b\"", ["a", "b"]), Separator("#\"^a\"", ["a"]),
        Separator("#\".\"", [""]),
    ]
}
