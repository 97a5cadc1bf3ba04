/// What a reading subtask has done so far.
package struct StreamMapFigures: Hashable, Sendable {
    package var records = 0
    package var pairs = 0
    package var rejected = 0
    package var shippedRows = 0

    package init() {}
}
