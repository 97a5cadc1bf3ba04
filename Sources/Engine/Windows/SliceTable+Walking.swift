extension SliceTable {
    /// Keys whose values are fetched before the first of them is looked at: about as many as a processor fetches at once.
    private static var keysFetched: Int { 32 }

    /// Calls `body` with every key; the payload is its states.
    ///
    /// Meanwhile the newest values of the keys behind it are fetched, which lie anywhere in sets that are larger than a cache;
    /// `ahead` is called with each key when its are.
    func forEachRowFetched(ahead: (KeyWords) -> Void = { _ in }, _ body: (KeyedRow) -> Void) {
        let offsets = self.fetchedDistincts
        unsafe withUnsafeTemporaryAllocation(of: KeyedRow.self, capacity: Self.keysFetched) { block in
            var count = 0
            self.forEachRow { row in
                ahead(row.key)
                unsafe block.initializeElement(at: count, to: row)
                count += 1
                guard count == Self.keysFetched else { return }
                unsafe self.visit(block, count, offsets, body)
                count = 0
            }
            unsafe self.visit(block, count, offsets, body)
        }
    }

    /// The distinct states whose sets are larger than a cache: offset in the states of a key, number of the set.
    private var fetchedDistincts: [(offset: Int, set: Int)] {
        self.layout.columns.compactMap { column in
            guard case .distinct(let set) = column.storage, !self.distincts[set].isCached else { return nil }
            return (column.offset, set)
        }
    }

    private func visit(
        _ block: UnsafeMutableBufferPointer<KeyedRow>,
        _ count: Int,
        _ distincts: [(offset: Int, set: Int)],
        _ body: (KeyedRow) -> Void
    ) {
        for (offset, number) in distincts {
            let set = self.distincts[number]
            for index in 0..<count { unsafe set.prefetchEntry(Self.newest(block[index], offset)) }
            for index in 0..<count { unsafe set.prefetchBytes(Self.newest(block[index], offset)) }
        }
        for index in 0..<count { unsafe body(block[index]) }
    }

    /// The newest value of a key in a distinct state.
    private static func newest(_ row: KeyedRow, _ offset: Int) -> UInt64 {
        unsafe row.payload.assumingMemoryBound(to: UInt64.self)[offset + 2]
    }
}
