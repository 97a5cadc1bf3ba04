#define _GNU_SOURCE
#include "CKernels.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define WEIR_TARGET(features) __attribute__((target(features)))
#endif

static void class_masks_portable(const uint8_t *base, size_t blocks, const weir_byte_class *set, uint64_t *masks) {
    for (size_t block = 0; block < blocks; block++) {
        uint64_t mask = 0;
        for (unsigned i = 0; i < 64; i++) mask |= (uint64_t)(set->member[base[64 * block + i]] & 1) << i;
        masks[block] = mask;
    }
}

#if defined(__x86_64__)
/* A 256-entry table fits four registers; two permutes of 128 entries each answer for the lower and upper half. */
WEIR_TARGET("avx512f,avx512bw,avx512vbmi")
static void class_masks_avx512(const uint8_t *base, size_t blocks, const weir_byte_class *set, uint64_t *masks) {
    const __m512i t0 = _mm512_loadu_si512(set->member), t1 = _mm512_loadu_si512(set->member + 64);
    const __m512i t2 = _mm512_loadu_si512(set->member + 128), t3 = _mm512_loadu_si512(set->member + 192);
    for (size_t block = 0; block < blocks; block++) {
        const __m512i bytes = _mm512_loadu_si512(base + 64 * block);
        const __mmask64 upper = _mm512_movepi8_mask(bytes);
        const __mmask64 in_lower = _mm512_movepi8_mask(_mm512_permutex2var_epi8(t0, bytes, t1));
        const __mmask64 in_upper = _mm512_movepi8_mask(_mm512_permutex2var_epi8(t2, bytes, t3));
        masks[block] = (in_lower & ~upper) | (in_upper & upper);
    }
}

/* Nibble lookup: for the low nibble, which high nibbles belong to the set (one bit each, eight a table). */
WEIR_TARGET("avx2")
static void class_masks_avx2(const uint8_t *base, size_t blocks, const weir_byte_class *set, uint64_t *masks) {
    const __m256i lower = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)set->rows[0]));
    const __m256i upper = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)set->rows[1]));
    const __m256i bit = _mm256_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32,
                                         64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
    const __m256i nibble = _mm256_set1_epi8(15);
    for (size_t block = 0; block < blocks; block++) {
        uint64_t mask = 0;
        for (unsigned half = 0; half < 2; half++) {
            const __m256i bytes = _mm256_loadu_si256((const __m256i *)(base + 64 * block + 32 * half));
            const __m256i low = _mm256_and_si256(bytes, nibble);
            const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
            const __m256i row = _mm256_blendv_epi8(_mm256_shuffle_epi8(lower, low), _mm256_shuffle_epi8(upper, low),
                                                   bytes);
            const __m256i hit = _mm256_and_si256(row, _mm256_shuffle_epi8(bit, high));
            const __m256i miss = _mm256_cmpeq_epi8(hit, _mm256_setzero_si256());
            mask |= (uint64_t)(uint32_t)~_mm256_movemask_epi8(miss) << (32 * half);
        }
        masks[block] = mask;
    }
}
#endif

void weir_byte_class_prepare(weir_byte_class *set) {
    memset(set->rows, 0, sizeof set->rows);
    for (unsigned byte = 0; byte < 256; byte++)
        if (set->member[byte]) set->rows[byte >> 7][byte & 15] |= (uint8_t)(1u << ((byte >> 4) & 7));
}

void weir_class_masks(const uint8_t *base, size_t blocks, const weir_byte_class *set, uint64_t *masks) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw")) {
        class_masks_avx512(base, blocks, set, masks);
        return;
    }
    if (__builtin_cpu_supports("avx2")) {
        class_masks_avx2(base, blocks, set, masks);
        return;
    }
#endif
    class_masks_portable(base, blocks, set, masks);
}

#define WEIR_PAGE_BYTES 4096

typedef void class_masks(const uint8_t *base, size_t blocks, const weir_byte_class *set, uint64_t *masks);

/* The mask of up to 64 bytes by a function for whole blocks. Bytes behind the text are read, and their bits cleared: an
   address sanitizer must not look. */
__attribute__((always_inline, no_sanitize("address")))
static inline uint64_t partial_mask(class_masks *masks_of, const uint8_t *base, size_t count,
                                    const weir_byte_class *set) {
    uint64_t mask;
    if (count >= 64) {
        masks_of(base, 1, set, &mask);
        return mask;
    }
    if (count == 0) return 0;
    if (((uintptr_t)base & (WEIR_PAGE_BYTES - 1)) <= WEIR_PAGE_BYTES - 64) {
        masks_of(base, 1, set, &mask);
    } else {
        uint8_t copy[64] = {0};
        memcpy(copy, base, count);
        masks_of(copy, 1, set, &mask);
    }
    return mask & (((uint64_t)1 << count) - 1);
}

#if defined(__x86_64__)
WEIR_TARGET("avx2") __attribute__((no_sanitize("address")))
static uint64_t class_mask_avx2(const uint8_t *base, size_t count, const weir_byte_class *set) {
    return partial_mask(class_masks_avx2, base, count, set);
}
#endif

__attribute__((no_sanitize("address")))
uint64_t weir_class_mask(const uint8_t *base, size_t count, const weir_byte_class *set) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return class_mask_avx2(base, count, set);
#endif
    return partial_mask(class_masks_portable, base, count, set);
}

/* The compiler vectorises these loops for whatever the target allows. */
#if defined(__x86_64__)
__attribute__((target_clones("avx512bw", "avx2", "default")))
#endif
static int change_case(const uint8_t *from, uint8_t *to, size_t count, uint8_t first) {
    uint8_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t byte = from[i];
        seen |= byte;
        to[i] = byte ^ (uint8_t)(((uint8_t)(byte - first) < 26) << 5);
    }
    return seen < 0x80;
}

int weir_ascii_lower(const uint8_t *from, uint8_t *to, size_t count) { return change_case(from, to, count, 'A'); }
int weir_ascii_upper(const uint8_t *from, uint8_t *to, size_t count) { return change_case(from, to, count, 'a'); }

#if defined(__x86_64__)
__attribute__((target_clones("avx512bw", "avx2", "default")))
#endif
int weir_is_ascii(const uint8_t *base, size_t count) {
    uint8_t seen = 0;
    for (size_t i = 0; i < count; i++) seen |= base[i];
    return seen < 0x80;
}

#if defined(__x86_64__)
__attribute__((target_clones("avx512bw", "avx2", "default")))
#endif
weir_lines weir_line_statistics(const uint8_t *base, size_t count) {
    weir_lines lines = {0, 0};
    size_t at = 0;
    while (at < count) {
        /* Byte counters, which the compiler keeps in wide registers, are emptied before they can overflow. */
        const size_t end = count - at > 255 * 64 ? at + 255 * 64 : count;
        uint8_t newlines[64] = {0}, returns[64] = {0};
        for (; at + 64 <= end; at += 64)
            for (unsigned i = 0; i < 64; i++) {
                newlines[i] += base[at + i] == 10;
                returns[i] |= base[at + i] == 13;
            }
        for (unsigned i = 0; i < 64; i++) {
            lines.newlines += newlines[i];
            lines.carriage_returns |= returns[i];
        }
        for (; at < end; at++) {
            lines.newlines += base[at] == 10;
            lines.carriage_returns |= base[at] == 13;
        }
    }
    return lines;
}

/* Bytes of the scalar at `base`, of which `left` are there, or 0 if it isn't well-formed. */
static size_t scalar_length(const uint8_t *base, size_t left) {
    const uint8_t first = base[0];
    if (first < 0x80) return 1;
    const size_t length = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (length == 0 || length > left) return 0;
    for (size_t i = 1; i < length; i++)
        if ((base[i] & 0xC0) != 0x80) return 0;
    /* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
    if ((first == 0xE0 && base[1] < 0xA0) || (first == 0xED && base[1] > 0x9F)) return 0;
    if ((first == 0xF0 && base[1] < 0x90) || (first == 0xF4 && base[1] > 0x8F)) return 0;
    return length;
}

int weir_is_utf8(const uint8_t *base, size_t count) {
    size_t at = 0;
    while (at < count) {
        uint64_t word;
        if (count - at >= sizeof word) {
            memcpy(&word, base + at, sizeof word);
            if ((word & 0x8080808080808080u) == 0) {
                at += sizeof word;
                continue;
            }
        }
        const size_t length = scalar_length(base + at, count - at);
        if (length == 0) return 0;
        at += length;
    }
    return 1;
}

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static const size_t huge_page_bytes = (size_t)2 << 20;

/* Smaller tables come from the heap: there are many, they live shortly, and pages of their own take microseconds. */
static const size_t heap_bytes = (size_t)64 << 10;
static const size_t cache_line_bytes = 64;

/* Tables up to here get their pages when they are made. A slot is looked at before it is written: page by page, each
   would first be mapped as zeros, then copied, and every processor that runs a thread of ours told so. */
static const size_t populated_bytes = (size_t)32 << 20;

/* Bytes behind which the kernel may use huge pages lie where one begins. */
static void *allocate_aligned(size_t bytes) {
    char *memory = mmap(NULL, bytes + huge_page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return NULL;
    size_t front = (huge_page_bytes - (uintptr_t)memory % huge_page_bytes) % huge_page_bytes;
    if (front > 0) munmap(memory, front);
    size_t page = 4096, end = front + (bytes + page - 1) / page * page;
    munmap(memory + end, bytes + huge_page_bytes - end);
    return memory + front;
}

void *weir_table_allocate(size_t bytes) {
    void *table;
    if (bytes < heap_bytes) {
        size_t rounded = (bytes + cache_line_bytes - 1) / cache_line_bytes * cache_line_bytes;
        table = aligned_alloc(cache_line_bytes, rounded);
        return table == NULL ? NULL : memset(table, 0, rounded);
    }
    if (bytes >= huge_page_bytes) {
        table = allocate_aligned(bytes);
        if (table == NULL) return NULL;
        /* Random access to small pages costs a translation miss each. The advice may be refused: that costs speed. */
        (void)madvise(table, bytes, MADV_HUGEPAGE);
    } else {
        table = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (table == MAP_FAILED) return NULL;
    }
    if (bytes <= populated_bytes) (void)madvise(table, bytes, MADV_POPULATE_WRITE);
    return table;
}

void weir_table_free(void *table, size_t bytes) {
    if (bytes < heap_bytes)
        free(table);
    else
        munmap(table, bytes);
}
