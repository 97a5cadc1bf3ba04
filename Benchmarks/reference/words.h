// Counting words on all cores: what the word counts have in common.
#pragma once
#include <thread>
#include "input.h"
#include "table.h"

// Calls `word(offset, length)` for every word that starts in [start, end): a word belongs to the part it starts in.
template <class Separators, class Word>
static void each_word(const Input &input, size_t start, size_t end, const Separators &separators, Word word) {
    const char *bytes = input.bytes;
    auto separates = [&](size_t at) { return separators.contains((uint8_t)bytes[at]); };
    if (start)
        while (start < end && !separates(start - 1)) start++;
    size_t open = start, at = start;
    while (at + 64 <= input.size && at < end) {
        uint64_t found = separators.mask(bytes + at);
        while (found) {
            size_t here = at + __builtin_ctzll(found);
            found &= found - 1;
            if (open >= end) return;
            if (here > open) word(open, here - open);
            open = here + 1;
        }
        at += 64;
    }
    while (open < end) {
        size_t here = open < at ? at : open;
        while (here < input.size && !separates(here)) here++;
        if (here > open) word(open, here - open);
        open = here + 1;
        at = open;
    }
}

// Reads 16 bytes wherever they end; near the end of the input through a copy.
static inline Key load_word(const Input &input, size_t offset, size_t length) {
    if (offset + 80 < input.size) return load_key(input.bytes + offset, length);
    char copy[16] = {0};
    memcpy(copy, input.bytes + offset, length);
    return load_key(copy, length);
}

// Splits the input among threads, merges their tables, writes `word,count` lines and prints the metrics.
template <class Part> static int count_words(const char *path, int threads, const char *output, Part part) {
    Input input(path);
    std::vector<Table<Count>> tables(threads);
    std::vector<std::thread> running;
    for (int i = 0; i < threads; i++) {
        running.emplace_back([&, i] {
            size_t end = i == threads - 1 ? input.size : input.size / threads * (i + 1);
            part(input, input.size / threads * i, end, tables[i]);
        });
    }
    for (auto &thread : running) thread.join();
    for (int i = 1; i < threads; i++) tables[0].merge(tables[i]);
    Writer writer(output);
    uint64_t total = 0, distinct = 0;
    tables[0].each([&](std::string_view word, Count count) {
        writer.put(word);
        writer.put(",");
        writer.number(count.n);
        writer.put("\n");
        total += count.n;
        distinct++;
    });
    printf("METRIC words=%llu\nMETRIC distinct=%llu\n", (unsigned long long)total, (unsigned long long)distinct);
    return 0;
}
