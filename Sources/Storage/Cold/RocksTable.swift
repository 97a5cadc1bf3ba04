internal import CRocksdb
internal import Engine
internal import Environment

/// A database of RocksDB.
///
/// Isolation: see ``ColdTable``; the library's own calls may be made from any thread.
// SAFETY: what isn't constant belongs to the thread that uses the table; the rest are handles that the library guards.
@safe
final class RocksTable: ColdTable, @unchecked Sendable {
    fileprivate let library: RocksLibrary
    fileprivate let handle: OpaquePointer

    /// Removed when the database is closed.
    private let place: any ScratchDirectory
    private let batch: OpaquePointer
    private let writeOptions: OpaquePointer
    private let readOptions: OpaquePointer
    private(set) var gatheredBytes = 0

    init(_ library: RocksLibrary, _ place: any ScratchDirectory, memoryBytes: Int) throws(SpillError) {
        let functions = library.functions
        let base = unsafe functions.options_create()
        let options = unsafe functions.options_create()
        defer {
            unsafe functions.options_destroy(options)
            unsafe functions.options_destroy(base)
        }
        let opening = RocksFailure(attempt: "make a database for", path: place.path)
        try unsafe opening.check(library) { problem in
            unsafe functions.get_options_from_string(
                base,
                RocksOptions(memoryBytes: memoryBytes).text,
                options,
                problem
            )
        }
        let handle = try unsafe opening.check(library) { problem in
            unsafe functions.open(options, place.path, problem)
        }
        guard let handle = unsafe handle, let batch = unsafe functions.writebatch_create(),
            let writeOptions = unsafe functions.writeoptions_create(),
            let readOptions = unsafe functions.readoptions_create()
        else { throw opening.error("memory is exhausted") }
        unsafe functions.writeoptions_disable_WAL(writeOptions, 1)
        self.library = library
        self.place = place
        unsafe self.handle = handle
        unsafe self.batch = batch
        unsafe self.writeOptions = writeOptions
        unsafe self.readOptions = readOptions
    }

    deinit {
        let functions = self.library.functions
        unsafe functions.writebatch_destroy(self.batch)
        unsafe functions.writeoptions_destroy(self.writeOptions)
        unsafe functions.readoptions_destroy(self.readOptions)
        // Compactions that are under way would be waited for.
        unsafe functions.cancel_all_background_work(self.handle, 1)
        unsafe functions.close(self.handle)
    }

    fileprivate func failure(_ attempt: String) -> RocksFailure {
        RocksFailure(attempt: attempt, path: self.place.path)
    }

    func read(_ key: Bytes, into value: inout ByteBuffer) throws(SpillError) -> Bool {
        let functions = self.library.functions
        let found = try unsafe self.failure("read").check(self.library) { problem in
            unsafe functions.get_pinned(self.handle, self.readOptions, key.characters, key.count, problem)
        }
        guard let found = unsafe found else { return false }
        defer { unsafe functions.pinnableslice_destroy(found) }
        var count = 0
        if let start = unsafe functions.pinnableslice_value(found, &count) {
            value.append(unsafe Bytes(characters: start, count: count))
        }
        return true
    }

    func put(_ key: Bytes, _ value: Bytes) {
        self.gatheredBytes += key.count + value.count
        unsafe self.library.functions.writebatch_put(
            self.batch,
            key.characters,
            key.count,
            value.characters,
            value.count
        )
    }

    func remove(_ key: Bytes) {
        self.gatheredBytes += key.count
        unsafe self.library.functions.writebatch_delete(self.batch, key.characters, key.count)
    }

    func commit() throws(SpillError) {
        guard self.gatheredBytes > 0 else { return }
        let functions = self.library.functions
        try unsafe self.failure("write").check(self.library) { problem in
            unsafe functions.write(self.handle, self.writeOptions, self.batch, problem)
        }
        unsafe functions.writebatch_clear(self.batch)
        self.gatheredBytes = 0
    }

    func makeCursor(_ range: ColdRange) throws(SpillError) -> any ColdCursor {
        try RocksCursor(self, nil, range)
    }

    func makeSnapshot() throws(SpillError) -> any ColdSnapshot {
        guard let snapshot = unsafe self.library.functions.create_snapshot(self.handle) else {
            throw self.failure("freeze").error("the database can't make a snapshot")
        }
        return unsafe RocksSnapshot(self, snapshot)
    }

    var figures: (memoryBytes: Int, storedBytes: Int64) {
        let memory = [
            "rocksdb.cur-size-all-mem-tables", "rocksdb.block-cache-usage", "rocksdb.estimate-table-readers-mem",
        ]
        return (memory.reduce(0) { $0 + Int(self.property($1)) }, Int64(self.property("rocksdb.total-sst-files-size")))
    }

    private func property(_ name: String) -> UInt64 {
        var number: UInt64 = 0
        return unsafe self.library.functions.property_int(self.handle, name, &number) == 0 ? number : 0
    }
}

/// A database as it was once; keeps it open.
// SAFETY: a handle that the library guards.
@safe
final class RocksSnapshot: ColdSnapshot, @unchecked Sendable {
    private let table: RocksTable
    fileprivate let handle: OpaquePointer

    init(_ table: RocksTable, _ handle: OpaquePointer) {
        self.table = table
        unsafe self.handle = handle
    }

    deinit {
        unsafe self.table.library.functions.release_snapshot(self.table.handle, self.handle)
    }

    func makeCursor(_ range: ColdRange) throws(SpillError) -> any ColdCursor {
        try RocksCursor(self.table, self, range)
    }
}

/// Reads a range of a database, or of a snapshot of it.
@safe
final class RocksCursor: ColdCursor {
    private let table: RocksTable
    private let snapshot: RocksSnapshot?
    private let options: OpaquePointer
    private let iterator: OpaquePointer

    /// The end of the range, which the library refers to.
    private let end: UnsafeMutableBufferPointer<CChar>
    private(set) var isAtEnd = false
    private(set) var key: Bytes
    private(set) var value: Bytes

    /// What is read at once where much is read.
    private static let readAheadBytes = 512 << 10

    init(_ table: RocksTable, _ snapshot: RocksSnapshot?, _ range: ColdRange) throws(SpillError) {
        let functions = table.library.functions
        let end = UnsafeMutableBufferPointer<CChar>.allocate(capacity: range.end.count)
        _ = unsafe end.initialize(from: range.end.map { CChar(bitPattern: $0) })
        guard let options = unsafe functions.readoptions_create() else {
            unsafe end.deallocate()
            throw table.failure("read").error("memory is exhausted")
        }
        unsafe functions.readoptions_set_iterate_upper_bound(options, end.baseAddress, end.count)
        if let snapshot {
            unsafe functions.readoptions_set_snapshot(options, snapshot.handle)
            unsafe functions.readoptions_set_fill_cache(options, 0)
            unsafe functions.readoptions_set_readahead_size(options, Self.readAheadBytes)
        }
        guard let iterator = unsafe functions.create_iterator(table.handle, options) else {
            unsafe functions.readoptions_destroy(options)
            unsafe end.deallocate()
            throw table.failure("read").error("memory is exhausted")
        }
        self.table = table
        self.snapshot = snapshot
        unsafe self.options = options
        unsafe self.iterator = iterator
        unsafe self.end = end
        self.key = .nothing
        self.value = .nothing
        let first = range.first.map { CChar(bitPattern: $0) }
        unsafe functions.iter_seek(iterator, first, first.count)
        try self.look()
    }

    deinit {
        let functions = self.table.library.functions
        unsafe functions.iter_destroy(self.iterator)
        unsafe functions.readoptions_destroy(self.options)
        unsafe self.end.deallocate()
    }

    func advance() throws(SpillError) {
        unsafe self.table.library.functions.iter_next(self.iterator)
        try self.look()
    }

    private func look() throws(SpillError) {
        let functions = self.table.library.functions
        guard unsafe functions.iter_valid(self.iterator) != 0 else {
            self.isAtEnd = true
            return try unsafe self.table.failure("read").check(self.table.library) { problem in
                unsafe functions.iter_get_error(self.iterator, problem)
            }
        }
        var (keyCount, valueCount) = (0, 0)
        let key = unsafe functions.iter_key(self.iterator, &keyCount)
        let value = unsafe functions.iter_value(self.iterator, &valueCount)
        self.key = unsafe key.map { unsafe Bytes(characters: $0, count: keyCount) } ?? .nothing
        self.value = unsafe value.map { unsafe Bytes(characters: $0, count: valueCount) } ?? .nothing
    }
}

extension Bytes {
    /// The bytes as C calls them.
    fileprivate var characters: UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(self.start).assumingMemoryBound(to: CChar.self)
    }

    fileprivate init(characters: UnsafePointer<CChar>, count: Int) {
        unsafe self.init(start: UnsafeRawPointer(characters).assumingMemoryBound(to: UInt8.self), count: count)
    }

    /// No bytes, at an address that is never read.
    fileprivate static var nothing: Bytes {
        unsafe Bytes(start: UnsafePointer(bitPattern: 16).unsafelyUnwrapped, count: 0)
    }
}
