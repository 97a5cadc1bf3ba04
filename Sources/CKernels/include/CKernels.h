#ifndef WEIR_CKERNELS_H
#define WEIR_CKERNELS_H
#include <stddef.h>
#include <stdint.h>

/* Hints that `address` is read and written soon. */
static inline void weir_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }
#endif
