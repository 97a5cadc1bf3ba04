#ifndef WEIR_CKERNELS_H
#define WEIR_CKERNELS_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* What Swift can't say: wide byte classification, prefetching, pages for large tables. Nothing here keeps state. */

/* A set of byte values: member[b] is 0xFF where b belongs to the set, otherwise 0. `rows` says the same by nibbles, for
   the lower and the upper half: bit h of rows[half][low] tells whether the byte with these nibbles belongs to the set. */
typedef struct {
    uint8_t member[256];
    uint8_t rows[2][16];
} weir_byte_class;

/* Fills in `rows` from `member`; whoever changes `member` calls it before the set is used. */
void weir_byte_class_prepare(weir_byte_class *set);

/* For each of `blocks` runs of 64 bytes at `base`: bit i of masks[k] tells whether byte 64*k+i belongs to `set`.
   Reads exactly 64*blocks bytes. */
void weir_class_masks(const uint8_t *base, size_t blocks, const weir_byte_class *set, uint64_t *masks);

/* The same for the first 64 of `count` bytes, or all where they are fewer; bits behind them are 0. Reads no page that
   holds none of the bytes. */
uint64_t weir_class_mask(const uint8_t *base, size_t count, const weir_byte_class *set);

/* Copies `count` bytes, turning A-Z into a-z (or the reverse); answers 1 if all of them are ASCII. */
int weir_ascii_lower(const uint8_t *from, uint8_t *to, size_t count);
int weir_ascii_upper(const uint8_t *from, uint8_t *to, size_t count);

/* 1 if the bytes are well-formed UTF-8 (RFC 3629). */
int weir_is_utf8(const uint8_t *base, size_t count);

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

/* What decoders look for in the next bytes, as bit masks: bit i speaks of byte i. They are inlined into the loops that
   call them, so they use what every processor of the architecture has, and not what is found out at run time. */
#if defined(__SSE2__)
static inline uint32_t weir_mask16(__m128i hits) { return (uint32_t)_mm_movemask_epi8(hits); }
static inline __m128i weir_load16(const uint8_t *base) { return _mm_loadu_si128((const __m128i *)base); }

static inline uint32_t weir_string_stops16(const uint8_t *base) {
    const __m128i bytes = weir_load16(base), last_control = _mm_set1_epi8(0x1F);
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    return weir_mask16(_mm_or_si128(_mm_or_si128(control, quote), _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
}

/* Bytes that aren't decimal digits. Reads 16 bytes; bit 16 is always set. */
static inline uint32_t weir_digit_stops(const uint8_t *base) {
    const __m128i digits = _mm_sub_epi8(weir_load16(base), _mm_set1_epi8('0'));
    return ~weir_mask16(_mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits));
}

static inline uint32_t weir_equal16(const uint8_t *left, const uint8_t *right) {
    return weir_mask16(_mm_cmpeq_epi8(weir_load16(left), weir_load16(right)));
}

static inline uint32_t weir_hits16(const uint8_t *base, uint8_t byte) {
    return weir_mask16(_mm_cmpeq_epi8(weir_load16(base), _mm_set1_epi8((char)byte)));
}
#else
static inline uint32_t weir_string_stops16(const uint8_t *base) {
    uint32_t mask = 0;
    for (unsigned i = 0; i < 16; i++)
        mask |= (uint32_t)((base[i] < 0x20) | (base[i] == '"') | (base[i] == '\\')) << i;
    return mask;
}

static inline uint32_t weir_digit_stops(const uint8_t *base) {
    uint32_t mask = 1u << 16;
    for (unsigned i = 0; i < 16; i++) mask |= (uint32_t)((uint8_t)(base[i] - '0') > 9) << i;
    return mask;
}

static inline uint32_t weir_equal16(const uint8_t *left, const uint8_t *right) {
    uint32_t mask = 0;
    for (unsigned i = 0; i < 16; i++) mask |= (uint32_t)(left[i] == right[i]) << i;
    return mask;
}

static inline uint32_t weir_hits16(const uint8_t *base, uint8_t byte) {
    uint32_t mask = 0;
    for (unsigned i = 0; i < 16; i++) mask |= (uint32_t)(base[i] == byte) << i;
    return mask;
}
#endif

/* Bytes that end a run of plain text in a JSON string: quotes, backslashes and control characters. Reads 32 bytes. */
static inline uint32_t weir_string_stops(const uint8_t *base) {
    return weir_string_stops16(base) | weir_string_stops16(base + 16) << 16;
}

/* Bytes that are equal in both. Reads 32 bytes of each. */
static inline uint32_t weir_equal_mask(const uint8_t *left, const uint8_t *right) {
    return weir_equal16(left, right) | weir_equal16(left + 16, right + 16) << 16;
}

/* Bytes that end an unquoted CSV field: quotes, separators and newlines. Reads 16 bytes. */
static inline uint32_t weir_field_stops(const uint8_t *base, uint8_t separator) {
    return weir_hits16(base, separator) | weir_hits16(base, '"') | weir_hits16(base, '\n');
}

/* Occurrences of a byte. Reads 64 bytes. */
static inline uint64_t weir_byte_mask(const uint8_t *base, uint8_t byte) {
    return (uint64_t)weir_hits16(base, byte) | (uint64_t)weir_hits16(base + 16, byte) << 16
           | (uint64_t)weir_hits16(base + 32, byte) << 32 | (uint64_t)weir_hits16(base + 48, byte) << 48;
}

/* Where the fields of a JSON object may begin, up to the text's first control character or backslash. */
typedef struct {
    /* Where that is, or the text's end. */
    size_t stop;
    /* How many quotes before it come behind a comma or opening brace, with at most a space between: their positions. */
    size_t fields;
    /* How many quotes there are before it. */
    size_t quotes;
    /* 0 where there were too many fields: then `stop` only says how far there is neither of the two. */
    int is_complete;
} weir_field_index;

/* More fields aren't indexed. */
#define WEIR_FIELD_LIMIT 256
/* Positions that there must be room for: whole groups are written, and what is too much is written over. */
#define WEIR_FIELD_ROOM (WEIR_FIELD_LIMIT + 64)

/* Looks at `count` bytes, and reads up to 63 bytes more, whatever they are. */
weir_field_index weir_index_fields(const uint8_t *base, size_t count, uint32_t *positions);

/* Powers of ten that are exact as floats. */
static inline double weir_exact_power_of_ten(size_t exponent) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    return powers[exponent];
}

/* Where a byte first occurs among `count`, or `count`. */
static inline size_t weir_find_byte(const uint8_t *base, uint8_t byte, size_t count) {
    const uint8_t *found = (const uint8_t *)memchr(base, byte, count);
    return found ? (size_t)(found - base) : count;
}

/* Hints that `address` is soon read and written. */
static inline void weir_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }
#endif
