internal import JobPlan
internal import WireFormat

/// Firings before a window's end, and those that late records cause: what a trigger asks for.
extension WindowStage {
    // MARK: Single keys

    /// Notes that a key has got something, in the windows that weren't fired, and fires those that have got enough.
    mutating func noteOpen(_ key: KeyWords, longKey: UnsafeRawPointer?, time: Int64) throws(EngineError) {
        guard self.windows.firesEarly else { return }
        for end in self.sliced.openEnds(holding: time, hash: key.hash) {
            let fresh = unsafe self.early.note(key, longKey: longKey, end: end)
            guard let limit = self.windows.trigger.earlyCount, fresh >= limit else { continue }
            try unsafe self.fireEarly(key, longKey: longKey, end: end)
        }
    }

    private mutating func fireEarly(_ key: KeyWords, longKey: UnsafeRawPointer?, end: Int64) throws(EngineError) {
        let count = unsafe self.early.noteFired(key, longKey: longKey, end: end)
        try unsafe self.fire(key, longKey: longKey, end: end, pane: -count)
    }

    /// A late record has changed a window that was fired: it is fired again, now or when time moves.
    mutating func fireLate(_ key: KeyWords, longKey: UnsafeRawPointer?, end: Int64) throws(EngineError) {
        guard self.windows.trigger.firesOnEachLateRecord else {
            _ = unsafe self.gathered.note(key, longKey: longKey, end: end)
            return
        }
        let pane = unsafe self.sliced.nextLatePane(of: key, longKey: longKey, end: end)
        try unsafe self.fire(key, longKey: longKey, end: end, pane: pane)
    }

    private mutating func fire(
        _ key: KeyWords,
        longKey: UnsafeRawPointer?,
        end: Int64,
        pane: Int64
    ) throws(EngineError) {
        let found = try unsafe self.sliced.table(of: key, longKey: longKey, inWindowEnding: end)
        let states = unsafe found.table.states(of: key, longKey: longKey)
        let row = unsafe KeyedRow(key: key, longKey: longKey, payload: UnsafeRawPointer(states))
        let window = FiredWindow(start: end - self.sliced.grid.size, end: end, pane: pane)
        try self.emitter.reduce(row, of: found.table, in: window)
    }

    /// Fires a window that a key has for itself, before its end.
    mutating func fireKeyedEarly(_ number: Int) throws(EngineError) {
        self.keyed.noteFiredEarly(number)
        let segment = self.keyed.store[number]
        guard case .count(let count, let slide) = self.windows.kind else {
            let row = self.keyed.rowOfWindow(number)
            let window = FiredWindow(start: segment.start, end: segment.end, pane: -segment.earlyCount)
            return try self.emitter.reduce(row, of: self.keyed.store.states.table, in: window)
        }
        let (box, span) = self.keyed.window(endingIn: number, count: count, slide: slide)
        let longKey = unsafe UnsafeRawPointer(bitPattern: segment.longKey)
        let states = unsafe box.table.states(of: segment.key, longKey: longKey)
        let row = unsafe KeyedRow(key: segment.key, longKey: longKey, payload: UnsafeRawPointer(states))
        let window = FiredWindow(start: span.start, end: span.end, pane: -segment.earlyCount)
        try self.emitter.reduce(row, of: box.table, in: window)
    }

    // MARK: Walks

    /// The clock of those that send has come to a moment, in milliseconds: windows are due that fire every so often, and
    /// are fired by the steps that follow.
    package mutating func pass(clock now: Int64) {
        guard let span = self.windows.trigger.earlyMilliseconds else { return }
        if let last = self.firedEarlyAt, now - last < span { return }
        self.firedEarlyAt = now
        let ends = self.early.takeChangedEnds()
        if let stored = self.stored {
            self.walk = PaneWalk(target: .stored(stored, stored.takeChangedKeys()))
        } else {
            self.walk = self.isKeyed ? PaneWalk(target: .keyed) : PaneWalk(target: .early, ends: ends)
        }
    }

    /// Event time moves: what late records have changed is due.
    mutating func beginLateWalk() {
        let ends = self.gathered.takeChangedEnds()
        if !ends.isEmpty { self.walk = PaneWalk(target: .late, ends: ends) }
    }

    /// Fires some keys of the walk that is under way.
    mutating func stepWalk(_ walk: PaneWalk) throws(EngineError) {
        var walk = walk
        switch walk.target {
        case .keyed:
            self.walk = try self.stepKeyedWalk(&walk) ? walk : nil
            return
        case .stored(let stored, let keys):
            self.walk = try self.stepWalk(over: keys, of: stored, &walk.cursor) ? walk : nil
            return
        case .early, .late: break
        }
        guard let end = walk.ends.last else {
            self.walk = nil
            return
        }
        let isLate = if case .late = walk.target { true } else { false }
        let box = isLate ? self.gathered.windows[end] : self.early.windows[end]
        for _ in 0..<Self.keysPerStep {
            guard let row = box?.table.next(&walk.cursor) else {
                walk.ends.removeLast()
                walk.cursor = TableCursor()
                if isLate { self.gathered.remove(end) }
                break
            }
            guard unsafe row.payload.assumingMemoryBound(to: UInt64.self)[1] > 0 else { continue }
            if isLate {
                let pane = unsafe self.sliced.nextLatePane(of: row.key, longKey: row.longKey, end: end)
                try unsafe self.fire(row.key, longKey: row.longKey, end: end, pane: pane)
            } else {
                try unsafe self.fireEarly(row.key, longKey: row.longKey, end: end)
            }
        }
        self.walk = walk
    }

    /// - Returns: False behind the last window.
    private mutating func stepKeyedWalk(_ walk: inout PaneWalk) throws(EngineError) -> Bool {
        let limit = walk.segmentCursor + Self.keysPerStep
        while let number = self.keyed.nextEarly(&walk.segmentCursor, limit: limit - walk.segmentCursor) {
            try self.fireKeyedEarly(number)
        }
        return walk.segmentCursor == limit
    }

    /// - Returns: False behind the last key.
    private mutating func stepWalk(
        over keys: SliceBox,
        of stored: StoredWindows,
        _ cursor: inout TableCursor
    ) throws(EngineError) -> Bool {
        for _ in 0..<Self.keysPerStep {
            guard let row = keys.table.next(&cursor) else { return false }
            let key = unsafe StateKey(row.key, longKey: row.longKey)
            try stored.load(key, into: &self.keyed)
            var segment = 0
            while let number = self.keyed.nextEarly(&segment, limit: .max) { try self.fireKeyedEarly(number) }
            try stored.save(key, from: &self.keyed)
        }
        return true
    }
}
