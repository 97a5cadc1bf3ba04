#include "CRocksdb.h"
#include <dlfcn.h>

/* The version that Weir is tested with, else whatever the system calls RocksDB: these functions are old ones. */
static const char *const names[] = {"librocksdb.so.7.8", "librocksdb.so"};

int weir_rocksdb_load(struct weir_rocksdb *functions, const char **problem) {
    void *library = NULL;
    for (unsigned index = 0; index < sizeof names / sizeof *names && !library; index++)
        library = dlopen(names[index], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        *problem = dlerror();
        return 0;
    }
#define WEIR_ROCKSDB_FIND(name) \
    if (!(functions->name = (__typeof__(functions->name))dlsym(library, "rocksdb_" #name))) { \
        *problem = dlerror(); \
        return 0; \
    }
    WEIR_ROCKSDB_FUNCTIONS(WEIR_ROCKSDB_FIND)
#undef WEIR_ROCKSDB_FIND
    return 1;
}
