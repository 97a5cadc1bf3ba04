import Testing

@Suite struct SourceTextTests {
    @Test(arguments: [
        (#"let a = "text // no comment" // a comment"#, #"let a = "" "#, "// a comment"),
        (#"let b = "\(call("inner"))" + tail"#, #"let b = "(call(""))" + tail"#, ""),
        (##"let c = #"raw \n " quote"# + tail"##, #"let c = "" + tail"#, ""),
        ("func `a \"quoted\" // name`() {", "func `a \"quoted\" // name`() {", ""),
        ("x /* one /* two */ */ + y", "x  + y", "/* one /* two */ */"),
        (#"let d = "escaped \" quote" // end"#, #"let d = "" "#, "// end"),
    ])
    func `code and comments are told apart`(text: String, code: String, comment: String) {
        let source = SourceText(text)

        #expect(source.code == [code])
        #expect(source.comments == [comment])
    }

    @Test func `the lines of a long string aren't code`() {
        let quotes = "\"\"\""
        let source = SourceText("let a = \(quotes)\n  // text {\n  \(quotes)\nlet b = 1")

        #expect(source.code == ["let a = \"", "", "\"", "let b = 1"])
    }
}
