/// Floats as programs write them.
package enum FloatText {
    /// The shortest text that reads as the same number, always with a point: `0.1`, `2.0`, `1.0e+22`.
    ///
    /// Infinities and NaN are `inf`, `-inf` and `nan`, which nothing reads as a number.
    package static func text(of value: Double) -> String {
        let text = value.description
        // Most numbers have no exponent, and so a point.
        guard value.magnitude >= 1e15 || value.magnitude < 1e-3, value.isFinite else { return text }
        guard let exponent = text.utf8.firstIndex(of: UInt8(ascii: "e")),
            !text.utf8[..<exponent].contains(UInt8(ascii: "."))
        else { return text }
        return text[..<exponent] + ".0" + text[exponent...]
    }
}
