internal import FluentSyntax
internal import RegularExpressions

/// Builtins with regexes.
extension Workspace {
    mutating func performMatching(_ builtin: Builtin, _ arguments: Elements) throws(Code) -> Value {
        switch builtin {
        case .split: return try self.split(arguments)
        case .replace: return try self.replace(arguments)
        default:
            // The first argument decides which order it is.
            let isRegexFirst = arguments[0].has(.regex)
            let text = try self.text(arguments[isRegexFirst ? 1 : 0], builtin)
            let regex = arguments[isRegexFirst ? 0 : 1]
            guard regex.has(.regex) else { throw self.mismatch(builtin, TypeName.regex, regex) }
            try self.count(bytes: text.count)
            guard builtin == .reFindAll else {
                guard try self.find(regex, in: text, from: 0) != nil else { return .nil }
                return try self.makeMatch(regex, in: text)
            }
            return try self.findAll(regex, in: text)
        }
    }

    /// The last match: its text, or where the regex has groups the list of that and theirs.
    private mutating func makeMatch(_ regex: Value, in text: Bytes) throws(Code) -> Value {
        let groupCount = self.regexes[regex.regexRecord.index].groupCount
        if groupCount == 0 { return self.group(0, in: text) }
        let groups = try self.makeElements(groupCount + 1)
        for index in 0...groupCount { groups[index] = self.group(index, in: text) }
        return Value(.list, of: groups)
    }

    private func group(_ index: Int, in text: Bytes) -> Value {
        guard let range = self.matcher.group(index) else { return .nil }
        return Value(.string, text: text.slice(range.lowerBound, range.upperBound))
    }

    private mutating func findAll(_ regex: Value, in text: Bytes) throws(Code) -> Value {
        var list = Value.emptyBuilder
        var offset = 0
        while offset <= text.count, let match = try self.find(regex, in: text, from: offset) {
            try self.count(1)
            list = try self.appending(try self.makeMatch(regex, in: text), to: list)
            offset = Self.offset(after: match, in: text)
        }
        return list.finishedBuilder
    }

    /// Where the search for the next match begins.
    private static func offset(after match: Range<Int>, in text: Bytes) -> Int {
        guard match.isEmpty else { return match.upperBound }
        return match.upperBound < text.count
            ? match.upperBound + text.unitLength(at: match.upperBound) : text.count + 1
    }

    private mutating func replace(_ arguments: Elements) throws(Code) -> Value {
        let text = try self.text(arguments[0], .replace)
        let isRegex = arguments[1].has(.regex)
        if !isRegex { _ = try self.text(arguments[1], .replace) }
        let replacement = try self.text(arguments[2], .replace)
        try self.count(bytes: text.count)
        if isRegex { return try self.replace(arguments[1], in: arguments[0], by: replacement) }
        let search = arguments[1].text
        guard search.count > 0, text.firstIndex(of: search, from: 0) != nil else { return arguments[0] }
        self.scratch.removeAll()
        var offset = 0
        while let found = text.firstIndex(of: search, from: offset) {
            try self.count(1)
            self.scratch.append(text.slice(offset, found))
            self.scratch.append(replacement)
            offset = found + search.count
            if self.scratch.count > self.limits.memoryBytes { throw self.memoryLimit }
        }
        self.scratch.append(text.slice(offset, text.count))
        return try self.takeScratch()
    }

    private mutating func replace(
        _ regex: Value,
        in value: Value,
        by replacement: Bytes
    ) throws(Code) -> Value {
        let text = value.text
        self.scratch.removeAll()
        var copied = 0
        var offset = 0
        while offset <= text.count, let match = try self.find(regex, in: text, from: offset) {
            try self.count(1)
            self.scratch.append(text.slice(copied, match.lowerBound))
            self.expand(replacement, in: text)
            copied = match.upperBound
            offset = Self.offset(after: match, in: text)
            if self.scratch.count > self.limits.memoryBytes { throw self.memoryLimit }
        }
        if offset == 0 { return value }
        self.scratch.append(text.slice(copied, text.count))
        return try self.takeScratch()
    }

    /// Appends a replacement with `$0` … `$9` and `$$` filled in.
    private mutating func expand(_ replacement: Bytes, in text: Bytes) {
        var offset = 0
        while offset < replacement.count {
            let byte = replacement[offset]
            let following = offset + 1 < replacement.count ? replacement[offset + 1] : 0
            if byte == UInt8(ascii: "$"), following &- UInt8(ascii: "0") < 10 {
                if let range = self.matcher.group(Int(following &- UInt8(ascii: "0"))) {
                    self.scratch.append(text.slice(range.lowerBound, range.upperBound))
                }
                offset += 2
            } else {
                self.scratch.append(byte)
                offset += byte == UInt8(ascii: "$") && following == byte ? 2 : 1
            }
        }
    }
}
