/// Loops that only emit the pieces of a split.
extension Machine where Host: ~Copyable {
    /// Goes on with a loop that emits each piece at bytes of a class under one scalar: rounds without instructions.
    ///
    /// The machine stands before the `splitAgain` of that loop, and stands there again afterwards, with fewer pieces left.
    /// Pieces that are long or empty, the end of the text, and a buffer or slice of steps that is used up are left to the
    /// instructions.
    @inline(never)
    mutating func emitPieces(_ i: Instruction, _ value: Value, _ registers: Registers) {
        let separator = registers[i.a, 2]
        guard separator.has(.integer), value.isScalar, self.workspace.arena.usedBytes <= self.collectionThreshold else {
            return
        }
        let text = registers[i.a].text
        let keys = unsafe self.pairCursor.pointee.keys
        let values = unsafe self.pairCursor.pointee.values
        let first = unsafe self.pairCursor.pointee.count
        let limit = unsafe min(self.pairCursor.pointee.limit, first &+ max(self.workspace.stepsLeft, 0))
        var count = first
        var start = Int(registers[i.a, 1].integer)
        var separators = registers[i.a, 3].bits
        var window = registers[i.a, 3].count
        while true {
            while separators != 0, count < limit {
                let end = window &+ separators.trailingZeroBitCount
                let address = unsafe text.start + start
                let bits = UInt64(UInt(bitPattern: address))
                guard UInt(bitPattern: end &- start &- 1) < UInt(KeyWords.inlineLimit), KeyWords.canRead(bits) else {
                    break
                }
                unsafe keys[count] = KeyWords(short: address, count: end &- start, kind: KeyKind.shortText)
                unsafe values[count] = value
                count &+= 1
                start = end &+ 1
                separators &= separators &- 1
            }
            guard separators == 0, window &+ Registers.windowBytes <= text.count else { break }
            window &+= Registers.windowBytes
            separators = Registers.separators(of: separator.regexRecord, in: text, at: window)
        }
        registers[i.a, 1] = Value(Int64(start))
        registers[i.a, 3] = Value(.integer, bits: separators, count: window)
        unsafe self.pairCursor.pointee.count = count
        self.workspace.countUnchecked(count &- first)
    }
}
