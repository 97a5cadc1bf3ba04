/// One program text: the bytes, and where its lines begin.
package struct SourceFile: Sendable {
    /// What messages call the file: a path, or `<input>`.
    package let name: String

    /// The text as read, not yet known to be UTF-8.
    package let bytes: [UInt8]

    private let lineStarts: [Int]

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
        var starts = [0]
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
            starts.append(index + 1)
        }
        self.lineStarts = starts
    }

    package init(name: String, text: String) {
        self.init(name: name, bytes: Array(text.utf8))
    }

    /// The place of a byte offset, which is clamped to the file.
    package func location(of offset: Int) -> SourceLocation {
        let offset = min(max(offset, 0), self.bytes.count)
        var low = 0
        var high = self.lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if self.lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        let prefix = self.bytes[self.lineStarts[low]..<offset]
        // A scalar has one byte that isn't a continuation byte: columns count scalars.
        let column = prefix.count { $0 & 0xC0 != 0x80 } + 1
        return SourceLocation(line: low + 1, column: column)
    }

    /// The text of a line, from 1, without its end; bytes that aren't UTF-8 are replaced.
    package func line(_ number: Int) -> String {
        guard number >= 1, number <= self.lineStarts.count else { return "" }
        let start = self.lineStarts[number - 1]
        var end = number < self.lineStarts.count ? self.lineStarts[number] - 1 : self.bytes.count
        if end > start, self.bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        return String(decoding: self.bytes[start..<end], as: UTF8.self)
    }
}

/// A line and a column, both from 1; columns count Unicode scalars.
package struct SourceLocation: Hashable, Sendable {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// A range of bytes of one program text; `end` is exclusive.
package struct SourceRange: Hashable, Sendable {
    package let start: Int
    package let end: Int

    package init(start: Int, end: Int) {
        self.start = start
        self.end = end
    }
}
