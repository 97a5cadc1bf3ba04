/// What the keys of windows have got since their windows were last fired, by window end.
///
/// | word | of a key                                                    |
/// | ---: | ----------------------------------------------------------- |
/// |    0 | how often its window was fired                              |
/// |    1 | what it has got since then: records, or rows of a reader    |
struct PaneTable {
    private static let layout = WindowLayout([.records, .records])

    private(set) var windows: [Int64: SliceBox] = [:]

    /// The windows in which a key may have got something.
    private var changedEnds: Set<Int64> = []

    var isEmpty: Bool { self.windows.isEmpty }

    var bytes: Int { self.windows.values.reduce(0) { $0 + $1.table.bytes } }

    /// A key has got something; answers how much since its window was fired.
    mutating func note(_ key: KeyWords, longKey: UnsafeRawPointer?, end: Int64) -> Int64 {
        let states = unsafe self.box(end).table.states(of: key, longKey: longKey)
        unsafe states[1] &+= 1
        self.changedEnds.insert(end)
        return unsafe Int64(bitPattern: states[1])
    }

    /// The window of a key was fired; answers how often by now.
    func noteFired(_ key: KeyWords, longKey: UnsafeRawPointer?, end: Int64) -> Int64 {
        guard let box = self.windows[end] else { return 0 }
        let states = unsafe box.table.states(of: key, longKey: longKey)
        unsafe states[0] &+= 1
        unsafe states[1] = 0
        return unsafe Int64(bitPattern: states[0])
    }

    /// The windows that may have changed since this was last asked, the latest first.
    mutating func takeChangedEnds() -> [Int64] {
        defer { self.changedEnds = [] }
        return self.changedEnds.sorted(by: >)
    }

    mutating func remove(_ end: Int64) { self.windows[end] = nil }

    /// Forgets the windows that end at or before a time.
    mutating func removeAll(through time: Int64) {
        guard self.windows.keys.contains(where: { $0 <= time }) else { return }
        self.windows = self.windows.filter { $0.key > time }
    }

    /// The table of a window as a checkpoint has it, to be filled.
    mutating func restore(_ end: Int64) -> SliceBox {
        self.changedEnds.insert(end)
        return self.box(end)
    }

    private mutating func box(_ end: Int64) -> SliceBox {
        if let known = self.windows[end] { return known }
        let box = SliceBox(Self.layout)
        self.windows[end] = box
        return box
    }
}

/// A walk over the keys of changed windows, or over windows of single keys, which are to be fired.
struct PaneWalk {
    enum Target {
        /// Windows whose end hasn't come.
        case early
        /// Fired windows that late records have changed.
        case late
        /// The windows that keys have for themselves, before their end.
        case keyed
        /// The same of these keys, where they don't fit in memory.
        case stored(StoredWindows, SliceBox)
    }

    let target: Target

    /// The last is next.
    var ends: [Int64] = []
    var cursor = TableCursor()
    var segmentCursor = 0
}
