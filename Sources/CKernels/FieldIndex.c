#include "CKernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* What 64 bytes have, a bit each. */
typedef struct {
    uint64_t quotes;
    /* Commas and opening braces. */
    uint64_t marks;
    uint64_t spaces;
    /* Control characters and backslashes. */
    uint64_t stops;
} masks;

/* One loop for all processors: `look` finds the masks of 64 bytes, `spread` writes the positions of set bits. A quote
   begins a field where a mark comes before it, with or without a space between: the two carries are those of the marks,
   and of the spaces behind marks. */
#define INDEX_LOOP(look, spread, popcount)                                                                   \
    weir_field_index index = {0, 0, 0, 0};                                                                   \
    uint64_t mark_carry = 0, space_carry = 0;                                                                \
    for (size_t at = 0; at < count; at += 64) {                                                              \
        masks found = look(base + at);                                                                       \
        if (count - at < 64) found.stops |= ~(uint64_t)0 << (count - at);                                    \
        const uint64_t before = found.stops ? (found.stops & -found.stops) - 1 : ~(uint64_t)0;               \
        const uint64_t behind_marks = found.marks << 1 | mark_carry;                                         \
        const uint64_t spaces = found.spaces & behind_marks;                                                 \
        const uint64_t fields = found.quotes & (behind_marks | spaces << 1 | space_carry) & before;          \
        mark_carry = found.marks >> 63;                                                                      \
        space_carry = spaces >> 63;                                                                          \
        index.quotes += (size_t)popcount(found.quotes & before);                                             \
        if (index.fields + 64 > WEIR_FIELD_LIMIT) {                                                          \
            index.stop = at;                                                                                 \
            return index;                                                                                    \
        }                                                                                                    \
        index.fields = spread(fields, (uint32_t)at, positions, index.fields);                                \
        if (found.stops) {                                                                                   \
            index.stop = at + (size_t)__builtin_ctzll(found.stops);                                          \
            index.is_complete = 1;                                                                           \
            return index;                                                                                    \
        }                                                                                                    \
    }                                                                                                        \
    index.stop = count;                                                                                      \
    index.is_complete = 1;                                                                                   \
    return index

static inline masks look_portable(const uint8_t *base) {
    masks found;
    found.quotes = weir_byte_mask(base, '"');
    found.marks = weir_byte_mask(base, ',') | weir_byte_mask(base, '{');
    found.spaces = weir_byte_mask(base, ' ');
    found.stops = ((uint64_t)weir_string_stops(base) | (uint64_t)weir_string_stops(base + 32) << 32) & ~found.quotes;
    return found;
}

static inline size_t spread_portable(uint64_t bits, uint32_t at, uint32_t *positions, size_t count) {
    for (; bits; bits &= bits - 1) positions[count++] = at + (uint32_t)__builtin_ctzll(bits);
    return count;
}

static weir_field_index index_portable(const uint8_t *base, size_t count, uint32_t *positions) {
    INDEX_LOOP(look_portable, spread_portable, __builtin_popcountll);
}

#if defined(__x86_64__)
#define WEIR_AVX2 __attribute__((target("avx2,bmi,popcnt")))

WEIR_AVX2 static inline uint64_t mask_avx2(__m256i low, __m256i high) {
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

WEIR_AVX2 static inline __m256i stops_avx2(__m256i bytes) {
    const __m256i last_control = _mm256_set1_epi8(0x1F);
    const __m256i control = _mm256_cmpeq_epi8(_mm256_max_epu8(bytes, last_control), last_control);
    return _mm256_or_si256(control, _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\')));
}

WEIR_AVX2 static inline __m256i marks_avx2(__m256i bytes) {
    const __m256i comma = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(','));
    return _mm256_or_si256(comma, _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('{')));
}

WEIR_AVX2 static inline masks look_avx2(const uint8_t *base) {
    const __m256i low = _mm256_loadu_si256((const __m256i *)base);
    const __m256i high = _mm256_loadu_si256((const __m256i *)(base + 32));
    const __m256i quote = _mm256_set1_epi8('"'), space = _mm256_set1_epi8(' ');
    masks found;
    found.quotes = mask_avx2(_mm256_cmpeq_epi8(low, quote), _mm256_cmpeq_epi8(high, quote));
    found.spaces = mask_avx2(_mm256_cmpeq_epi8(low, space), _mm256_cmpeq_epi8(high, space));
    found.marks = mask_avx2(marks_avx2(low), marks_avx2(high));
    found.stops = mask_avx2(stops_avx2(low), stops_avx2(high));
    return found;
}

/* Six at a time, whether or not there are as many: how many there are is hard to predict, whether it is more than six
   isn't. What is written too much is written over. */
WEIR_AVX2 static inline size_t spread_avx2(uint64_t bits, uint32_t at, uint32_t *positions, size_t count) {
    const size_t end = count + (size_t)_mm_popcnt_u64(bits);
    do {
        for (unsigned i = 0; i < 6; i++) {
            positions[count + i] = at + (uint32_t)_tzcnt_u64(bits);
            bits = _blsr_u64(bits);
        }
        count += 6;
    } while (bits);
    return end;
}

WEIR_AVX2 static weir_field_index index_avx2(const uint8_t *base, size_t count, uint32_t *positions) {
    INDEX_LOOP(look_avx2, spread_avx2, _mm_popcnt_u64);
}
#endif

/* Bytes behind the text are read, and what they are doesn't matter: an address sanitizer must not look. */
__attribute__((no_sanitize("address")))
weir_field_index weir_index_fields(const uint8_t *base, size_t count, uint32_t *positions) {
    if (count > UINT32_MAX) count = UINT32_MAX;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")) return index_avx2(base, count, positions);
#endif
    return index_portable(base, count, positions);
}
