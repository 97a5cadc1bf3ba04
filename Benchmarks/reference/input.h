// Mapped input and the masks that find bytes in it, 64 at a time.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <immintrin.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct Input {
    const char *bytes;
    size_t size;

    explicit Input(const char *path) {
        int descriptor = open(path, O_RDONLY);
        struct stat status;
        if (descriptor < 0 || fstat(descriptor, &status) < 0) {
            perror(path);
            exit(1);
        }
        size = status.st_size;
        bytes = size ? (const char *)mmap(0, size, PROT_READ, MAP_SHARED, descriptor, 0) : "";
        if (bytes == MAP_FAILED) {
            perror("mmap");
            exit(1);
        }
        if (size) madvise((void *)bytes, size, MADV_SEQUENTIAL);
    }
};

// A set of ASCII bytes, looked up by both halves of a byte: one bit of `low` stands for one upper half.
struct ByteSet {
    alignas(16) uint8_t low[16] = {}, high[16] = {};

    explicit ByteSet(const char *members) {
        for (int half = 0; half < 8; half++) high[half] = 1 << half;
        for (; *members; members++) add((uint8_t)*members);
    }
    void add(uint8_t byte) {
        if (byte < 128) low[byte & 15] |= 1 << (byte >> 4);
    }
    bool contains(uint8_t byte) const { return low[byte & 15] & high[byte >> 4]; }

    inline uint64_t mask(const char *block) const {
        __m128i lows = _mm_load_si128((const __m128i *)low), highs = _mm_load_si128((const __m128i *)high);
#ifdef __AVX512BW__
        __m512i x = _mm512_loadu_si512(block), nibble = _mm512_set1_epi8(15);
        __m512i a = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(lows), _mm512_and_si512(x, nibble));
        __m512i upper = _mm512_and_si512(_mm512_srli_epi16(x, 4), nibble);
        return _mm512_test_epi8_mask(a, _mm512_shuffle_epi8(_mm512_broadcast_i32x4(highs), upper));
#else
        uint64_t found = 0;
        __m256i nibble = _mm256_set1_epi8(15), zero = _mm256_setzero_si256();
        for (int half = 0; half < 2; half++) {
            __m256i x = _mm256_loadu_si256((const __m256i *)(block + 32 * half));
            __m256i a = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(lows), _mm256_and_si256(x, nibble));
            __m256i upper = _mm256_and_si256(_mm256_srli_epi16(x, 4), nibble);
            __m256i both = _mm256_and_si256(a, _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(highs), upper));
            found |= (uint64_t)(uint32_t)~_mm256_movemask_epi8(_mm256_cmpeq_epi8(both, zero)) << (32 * half);
        }
        return found;
#endif
    }
};

// The bytes equal to `byte`.
static inline uint64_t mask_of(const char *block, char byte) {
#ifdef __AVX512BW__
    return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(block), _mm512_set1_epi8(byte));
#else
    uint64_t found = 0;
    for (int half = 0; half < 2; half++) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(block + 32 * half));
        found |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, _mm256_set1_epi8(byte))) << (32 * half);
    }
    return found;
#endif
}

// White space of the C locale: space and 9 to 13.
struct Spaces {
    static bool contains(uint8_t byte) { return byte == 32 || (byte >= 9 && byte <= 13); }

    static inline uint64_t mask(const char *block) {
#ifdef __AVX512BW__
        __m512i x = _mm512_loadu_si512(block);
        return _mm512_cmpeq_epi8_mask(x, _mm512_set1_epi8(32)) |
               _mm512_cmple_epu8_mask(_mm512_sub_epi8(x, _mm512_set1_epi8(9)), _mm512_set1_epi8(4));
#else
        uint64_t found = 0;
        for (int half = 0; half < 2; half++) {
            __m256i x = _mm256_loadu_si256((const __m256i *)(block + 32 * half));
            __m256i y = _mm256_sub_epi8(x, _mm256_set1_epi8(9));
            __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(y, _mm256_set1_epi8(4)), y);
            __m256i both = _mm256_or_si256(_mm256_cmpeq_epi8(x, _mm256_set1_epi8(32)), control);
            found |= (uint64_t)(uint32_t)_mm256_movemask_epi8(both) << (32 * half);
        }
        return found;
#endif
    }
};
