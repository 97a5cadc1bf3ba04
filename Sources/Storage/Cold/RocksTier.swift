package import Engine
package import Environment
private import Synchronization

/// Puts the states of keys into RocksDB, one database for each table, in a scratch directory.
///
/// Nothing is synced and nothing is logged: the databases are scratch, and what is to survive is in checkpoints.
package final class RocksTier: ColdTier {
    private let scratch: any ScratchSpace
    private let directory: String
    private let library = Mutex<RocksLibrary?>(nil)

    /// `directory`: Where databases are made, each in a directory of its own.
    package init(scratch: any ScratchSpace, directory: String) {
        self.scratch = scratch
        self.directory = directory
    }

    package func makeTable(memoryBytes: Int) throws(SpillError) -> any ColdTable {
        let library = try self.library.withLock { held throws(SpillError) in
            if let loaded = held { return loaded }
            let loaded = try RocksLibrary.load()
            held = loaded
            return loaded
        }
        do {
            let place = try self.scratch.makeDirectory(in: self.directory)
            return try RocksTable(library, place, memoryBytes: memoryBytes)
        } catch let error as SpillError {
            throw error
        } catch let error as EnvironmentError {
            throw SpillError(error)
        } catch {
            throw SpillError(.failed, "\(error)")
        }
    }
}

/// How a database is set up: within its memory, for values that are small, read singly and written in batches.
struct RocksOptions {
    let memoryBytes: Int

    /// Two of these may be full at once, one being written while the other fills.
    private var writeBufferBytes: Int { max(self.memoryBytes / 4, 256 << 10) }

    private var cacheBytes: Int { max(self.memoryBytes / 2, 1 << 20) }

    /// Files that are open at once.
    private static let openFileLimit = 256

    /// In the notation of `GetOptionsFromString`.
    var text: String {
        let table = [
            "block_cache=\(self.cacheBytes)", "block_size=4096", "format_version=5",
            // Filters and indexes of all files may be larger than the cache: parts of them take turns in it.
            "filter_policy=bloomfilter:10:false", "index_type=kTwoLevelIndexSearch", "partition_filters=true",
            "metadata_block_size=4096", "cache_index_and_filter_blocks=true",
            "cache_index_and_filter_blocks_with_high_priority=true",
            // A block is searched for one key more often than it is read through.
            "data_block_index_type=kDataBlockBinaryAndHash", "data_block_hash_table_util_ratio=0.75",
        ]
        let options = [
            "create_if_missing=true", "error_if_exists=true",
            "write_buffer_size=\(self.writeBufferBytes)", "max_write_buffer_number=2",
            "arena_block_size=\(max(self.writeBufferBytes / 8, 4_096))",
            "memtable_whole_key_filtering=true", "memtable_prefix_bloom_size_ratio=0.05",
            "level_compaction_dynamic_level_bytes=true", "target_file_size_base=\(32 << 20)",
            "max_bytes_for_level_base=\(max(4 * self.writeBufferBytes, 32 << 20))",
            "compression=kNoCompression", "bottommost_compression=kLZ4Compression",
            "max_background_jobs=2", "max_open_files=\(Self.openFileLimit)",
            "avoid_flush_during_shutdown=true", "info_log_level=ERROR_LEVEL", "keep_log_file_num=1",
            "stats_dump_period_sec=0", "stats_persist_period_sec=0",
            "block_based_table_factory={\(table.joined(separator: ";"))}",
        ]
        return options.joined(separator: ";")
    }
}
