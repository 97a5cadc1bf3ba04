#ifndef WEIR_CKERNELS_H
#define WEIR_CKERNELS_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* Hints that `address` is read and written soon. */
static inline void weir_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }
/* The C library's power function: Swift has none without a platform module. */
static inline double weir_pow(double number, double exponent) { return pow(number, exponent); }
#endif
