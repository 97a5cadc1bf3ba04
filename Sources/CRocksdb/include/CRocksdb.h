#ifndef WEIR_CROCKSDB_H
#define WEIR_CROCKSDB_H
/*
 * RocksDB, loaded when it is first asked for: linking it would cost every run the time and memory of starting it, and
 * most runs never need it. Names and types are those of rocksdb/c.h without the prefix `rocksdb_`.
 */
#include <rocksdb/c.h>

#define WEIR_ROCKSDB_FUNCTIONS(DO) \
    DO(options_create) \
    DO(options_destroy) \
    DO(get_options_from_string) \
    DO(open) \
    DO(close) \
    DO(cancel_all_background_work) \
    DO(writeoptions_create) \
    DO(writeoptions_destroy) \
    DO(writeoptions_disable_WAL) \
    DO(writebatch_create) \
    DO(writebatch_destroy) \
    DO(writebatch_clear) \
    DO(writebatch_put) \
    DO(writebatch_delete) \
    DO(write) \
    DO(readoptions_create) \
    DO(readoptions_destroy) \
    DO(readoptions_set_snapshot) \
    DO(readoptions_set_fill_cache) \
    DO(readoptions_set_readahead_size) \
    DO(readoptions_set_iterate_upper_bound) \
    DO(get_pinned) \
    DO(pinnableslice_value) \
    DO(pinnableslice_destroy) \
    DO(create_iterator) \
    DO(iter_destroy) \
    DO(iter_seek) \
    DO(iter_valid) \
    DO(iter_next) \
    DO(iter_key) \
    DO(iter_value) \
    DO(iter_get_error) \
    DO(create_snapshot) \
    DO(release_snapshot) \
    DO(property_int) \
    DO(free)

struct weir_rocksdb {
#define WEIR_ROCKSDB_MEMBER(name) __typeof__(rocksdb_##name) *_Nonnull name;
    WEIR_ROCKSDB_FUNCTIONS(WEIR_ROCKSDB_MEMBER)
#undef WEIR_ROCKSDB_MEMBER
};

/*
 * Fills `functions`: 1, or 0 with `*problem` set to what the dynamic linker says. Any thread, any number of times; the
 * library stays loaded.
 */
int weir_rocksdb_load(struct weir_rocksdb *_Nonnull functions, const char *_Nullable *_Nonnull problem);
#endif
