internal import FluentSyntax

/// Collecting garbage: what registers and globals reach is copied to a new arena.
extension Machine where Host: ~Copyable {
    @inline(never)
    mutating func collectGarbage() throws(Code) {
        var collector = Collector(limitBytes: self.workspace.arena.limitBytes)
        var end = self.extent
        for level in 0..<self.depth { end = Swift.max(end, unsafe self.frames[level].extent) }
        for index in 0..<end {
            guard unsafe collector.move(&self.stack[index], from: self.workspace.arena) else {
                throw self.workspace.memoryLimit
            }
        }
        for index in 0..<self.program.globalNames.count {
            guard unsafe collector.move(&self.globals[index], from: self.workspace.arena) else {
                throw self.workspace.memoryLimit
            }
        }
        guard collector.move(&self.thrown, from: self.workspace.arena), collector.finish(from: self.workspace.arena)
        else {
            throw self.workspace.memoryLimit
        }
        self.workspace.arena = collector.takeArena()
        self.collectionThreshold = Swift.max(Self.collectionBytesMinimum, self.workspace.arena.usedBytes * 2)
    }
}
