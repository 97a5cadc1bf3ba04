internal import FluentSyntax

/// Text.
extension Workspace {
    mutating func performText(_ builtin: Builtin, _ arguments: Elements) throws(Code) -> Value {
        switch builtin {
        case .str: return try self.str(arguments)
        case .join: return try self.join(arguments)
        case .trim: return Value(.string, text: try self.countedText(arguments[0], builtin).trimmed)
        case .lower: return try self.changeCase(of: arguments[0], .lower, builtin)
        case .upper: return try self.changeCase(of: arguments[0], .upper, builtin)
        case .startsWith, .endsWith:
            let text = try self.text(arguments[0], builtin)
            let part = try self.text(arguments[1], builtin)
            guard part.count <= text.count else { return .false }
            try self.count(bytes: part.count)
            let start = builtin == .startsWith ? 0 : text.count - part.count
            return Value(Bytes.areEqual(text.slice(start, start + part.count), part))
        case .substring: return try self.substring(arguments)
        case .format: return try self.format(arguments)
        case .parseInt:
            let text = try self.countedText(arguments[0], builtin)
            return NumberText.integer(of: text).map { Value($0) } ?? (arguments.count == 2 ? arguments[1] : .nil)
        case .parseFloat:
            let text = try self.countedText(arguments[0], builtin)
            return NumberText.float(of: text).map { Value($0) } ?? (arguments.count == 2 ? arguments[1] : .nil)
        default:
            guard arguments[0].isText else { throw self.mismatch(builtin, TypeName.string, arguments[0]) }
            let tag: Value.Tag = builtin == .keyword ? .keyword : (builtin == .symbol ? .symbol : .string)
            return Value(tag, text: arguments[0].text)
        }
    }

    /// A text that is about to be read as a whole.
    @inline(__always)
    mutating func countedText(_ value: Value, _ builtin: Builtin) throws(Code) -> Bytes {
        let text = try self.text(value, builtin)
        try self.count(bytes: text.count)
        return text
    }

    /// A value as `str` shows it, until the scratch buffer is used again.
    mutating func shown(_ value: Value, _ builtin: Builtin) throws(Code) -> Bytes {
        self.scratch.removeAll()
        try self.show(value, builtin)
        return self.scratch.bytes
    }

    /// Appends a value to the scratch buffer as `str` shows it.
    mutating func show(_ value: Value, _ builtin: Builtin) throws(Code) {
        var text = ValueText(byteLimit: self.limits.memoryBytes, walk: ValueWalk(stepsLeft: self.allStepsLeft))
        do throws(ValueWalkError) {
            try text.append(value, to: &self.scratch)
        } catch {
            throw self.failure(error, builtin)
        }
        self.allStepsLeft = text.walk.stepsLeft
    }

    private mutating func str(_ arguments: Elements) throws(Code) -> Value {
        if arguments.count == 1, arguments[0].has(.string) { return arguments[0] }
        self.scratch.removeAll()
        let isAppending = arguments.count > 1 && arguments[0].has(.string)
        for index in (isAppending ? 1 : 0)..<arguments.count { try self.show(arguments[index], .str) }
        guard isAppending else { return try self.takeScratch() }
        try self.count(bytes: self.scratch.count)
        return try self.appendScratch(to: arguments[0].text)
    }

    /// A string longer by the scratch buffer: in place where it is what was built last.
    private mutating func appendScratch(to text: Bytes) throws(Code) -> Value {
        let added = self.scratch.bytes
        let end = unsafe UnsafeRawPointer(text.start) + text.count
        if unsafe self.arena.extend(unsafe end, by: added.count) {
            unsafe UnsafeMutableRawPointer(mutating: end).copyMemory(from: added.start, byteCount: added.count)
            return unsafe Value(.string, text: UnsafeRawPointer(text.start), count: text.count + added.count)
        }
        try self.count(bytes: text.count)
        guard let room = unsafe self.arena.allocate(text.count + added.count) else { throw self.memoryLimit }
        unsafe room.copyMemory(from: text.start, byteCount: text.count)
        unsafe (room + text.count).copyMemory(from: added.start, byteCount: added.count)
        return unsafe Value(.string, text: room, count: text.count + added.count)
    }

    private mutating func join(_ arguments: Elements) throws(Code) -> Value {
        let isSeparatorFirst = arguments.count == 2 && arguments[0].has(.string)
        let sequence = arguments[isSeparatorFirst ? 1 : 0]
        guard Self.isSequence(sequence) else { throw self.mismatch(.join, TypeName.sequence, sequence) }
        let separator: Value? = arguments.count == 2 ? arguments[isSeparatorFirst ? 0 : 1] : nil
        if let separator { _ = try self.text(separator, .join) }
        let elements = try self.elements(sequence, .join)
        self.scratch.removeAll()
        for index in 0..<elements.count {
            if index > 0, let separator { self.scratch.append(separator.text) }
            try self.show(elements[index], .join)
            if self.scratch.count > self.limits.memoryBytes { throw self.memoryLimit }
        }
        return try self.takeScratch()
    }

    private mutating func changeCase(
        of value: Value,
        _ letterCase: LetterCase,
        _ builtin: Builtin
    ) throws(Code) -> Value {
        let text = try self.countedText(value, builtin)
        guard text.isASCII else {
            self.scratch.removeAll()
            letterCase.append(text, to: &self.scratch)
            return try self.takeScratch()
        }
        guard let room = unsafe self.arena.allocate(text.count) else { throw self.memoryLimit }
        let bytes = unsafe room.assumingMemoryBound(to: UInt8.self)
        for index in 0..<text.count { unsafe bytes[index] = letterCase.map(text[index]) }
        return unsafe Value(.string, text: room, count: text.count)
    }

    private mutating func substring(_ arguments: Elements) throws(Code) -> Value {
        let text = try self.text(arguments[0], .substring)
        let start = try self.integer(arguments[1], .substring)
        let requestedEnd = arguments.count == 3 ? try self.integer(arguments[2], .substring) : nil
        let isASCII = text.isASCII
        let count = isASCII ? text.count : text.unitCount
        try self.count(bytes: text.count)
        let end = requestedEnd ?? Int64(count)
        let isStartInside = start >= 0 && start <= Int64(count)
        guard isStartInside, end >= start, end <= Int64(count) else {
            let offender = isStartInside ? end : start
            throw .indexOutOfRange(operation: Builtin.substring.name, index: offender, count: Int64(count))
        }
        if isASCII { return Value(.string, text: text.slice(Int(start), Int(end))) }
        let lower = text.offset(ofUnit: Int(start))
        let upper = text.offset(ofUnit: Int(end - start), from: lower)
        return Value(.string, text: text.slice(lower, upper))
    }
}
