#ifndef WEIR_CKERNELS_H
#define WEIR_CKERNELS_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What Swift can't say: wide byte classification, prefetching, pages for large tables. Nothing here keeps state. */

/* A set of byte values: member[b] is 0xFF where b belongs to the set, otherwise 0. */
typedef struct {
    uint8_t member[256];
} weir_byte_class;

/* For each of `blocks` runs of 64 bytes at `base`: bit i of masks[k] tells whether byte 64*k+i belongs to `set`.
   Reads exactly 64*blocks bytes. */
void weir_class_masks(const uint8_t *base, size_t blocks, const weir_byte_class *set, uint64_t *masks);

/* Copies `count` bytes, turning A-Z into a-z (or the reverse); answers 1 if all of them are ASCII. */
int weir_ascii_lower(const uint8_t *from, uint8_t *to, size_t count);
int weir_ascii_upper(const uint8_t *from, uint8_t *to, size_t count);

/* 1 if all `count` bytes are below 0x80. */
int weir_is_ascii(const uint8_t *base, size_t count);

/* What lines of a text there are: newlines, and whether it has carriage returns at all. */
typedef struct {
    size_t newlines;
    int carriage_returns;
} weir_lines;
weir_lines weir_line_statistics(const uint8_t *base, size_t count);

/* Zeroed pages for a table, in huge pages where the system has them; NULL when memory is used up. */
void *weir_table_allocate(size_t bytes);
void weir_table_free(void *table, size_t bytes);

/* All ones for the first `count` bytes (0 to 16) of a 16-byte load, in two words: a window over a constant costs two
   loads, where comparing the length costs a branch that is mispredicted for every other word of a text. */
static const uint8_t weir_length_window[32] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
static inline uint64_t weir_length_mask_low(size_t count) {
    uint64_t mask;
    memcpy(&mask, weir_length_window + 16 - count, sizeof mask);
    return mask;
}
static inline uint64_t weir_length_mask_high(size_t count) {
    uint64_t mask;
    memcpy(&mask, weir_length_window + 24 - count, sizeof mask);
    return mask;
}

/* The C library's power function: Swift has none without a platform module. */
static inline double weir_pow(double number, double exponent) { return pow(number, exponent); }

/* Hints that `address` is soon read and written. */
static inline void weir_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }
#endif
