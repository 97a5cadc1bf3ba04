/// Where two sequences part; nil where they are equal.
///
/// For results of thousands of lines, of which a failed expectation would show all.
package func firstDifference<Element: Equatable>(_ found: [Element], _ expected: [Element]) -> String? {
    if found == expected { return nil }
    let shared = zip(found, expected).prefix { $0 == $1 }.count
    let mine = shared < found.count ? "\(found[shared])" : "nothing"
    let other = shared < expected.count ? "\(expected[shared])" : "nothing"
    let sizes = "\(found.count) instead of \(expected.count)"
    return "\(sizes); at \(shared): \(mine.prefix(200)) instead of \(other.prefix(200))"
}
