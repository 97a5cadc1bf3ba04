// What the generators of benchmark inputs have in common.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

// SplitMix64: the sequence depends on the seed alone.
struct Random {
    uint64_t state;
    uint64_t next() {
        state += 0x9E3779B97F4A7C15ull;
        uint64_t mixed = state;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ull;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBull;
        return mixed ^ (mixed >> 31);
    }
    // Below `limit`.
    uint64_t below(uint64_t limit) { return (uint64_t)(((__uint128_t)next() * limit) >> 64); }
    double unit() { return (double)(next() >> 11) * 0x1p-53; }
};

// Draws an index with the probability of its weight in constant time (Walker and Vose's alias method).
struct WeightedChoice {
    struct Column {
        uint32_t threshold, alias;
    };
    std::vector<Column> columns;

    explicit WeightedChoice(const std::vector<double> &weights) : columns(weights.size()) {
        size_t count = weights.size();
        double total = 0;
        for (double weight : weights) total += weight;
        std::vector<double> scaled(count);
        std::vector<uint32_t> small, large;
        for (size_t i = 0; i < count; i++) {
            scaled[i] = weights[i] * (double)count / total;
            (scaled[i] < 1 ? small : large).push_back((uint32_t)i);
        }
        while (!small.empty() && !large.empty()) {
            uint32_t less = small.back(), more = large.back();
            small.pop_back();
            columns[less] = {(uint32_t)(scaled[less] * 0x1p32), more};
            scaled[more] -= 1 - scaled[less];
            if (scaled[more] < 1) {
                large.pop_back();
                small.push_back(more);
            }
        }
        for (uint32_t index : large) columns[index] = {UINT32_MAX, index};
        for (uint32_t index : small) columns[index] = {UINT32_MAX, index};
    }

    inline uint32_t draw(Random &random) const {
        uint64_t bits = random.next();
        uint32_t index = (uint32_t)(((bits >> 32) * columns.size()) >> 32);
        return (uint32_t)bits < columns[index].threshold ? index : columns[index].alias;
    }
};

// The letters of English by frequency, for words that look like words.
struct Letters {
    WeightedChoice choice{{12.7, 9.1, 8.2, 7.5, 7.0, 6.7, 6.3, 6.1, 6.0, 4.3, 4.0, 2.8, 2.8,
                           2.4,  2.4, 2.2, 2.0, 2.0, 1.9, 1.5, 1.0, .8,  .15, .15, .10, .07}};
    char draw(Random &random) const { return "etaoinshrdlcumwfgypbvkjxqz"[choice.draw(random)]; }
};

// Whole lines up to a size.
struct Output {
    static constexpr size_t capacity = 1 << 22, longest_line = 4096;
    FILE *file;
    std::vector<char> buffer;
    size_t used = 0;

    explicit Output(const char *path) : file(fopen(path, "wb")), buffer(capacity + longest_line) {
        if (!file) {
            perror(path);
            exit(1);
        }
    }
    // Room for the longest line.
    char *room() {
        if (used > capacity) flush();
        return &buffer[used];
    }
    void flush() {
        if (fwrite(buffer.data(), 1, used, file) != used) {
            perror("write");
            exit(1);
        }
        used = 0;
    }
    void close() {
        flush();
        if (fclose(file) != 0) {
            perror("close");
            exit(1);
        }
    }
};

// Writes at least `width` digits, zeros in front.
static inline char *put_number(char *at, uint64_t value, int width = 1) {
    char digits[24];
    int first = 24;
    while (value || width > 0) {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
        width--;
    }
    memcpy(at, digits + first, 24 - first);
    return at + 24 - first;
}

static inline char *put_text(char *at, const char *text) {
    size_t length = strlen(text);
    memcpy(at, text, length);
    return at + length;
}
