// A growing open-addressing table: keys of up to 16 bytes inline (two masked words), longer ones in a side map.
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct Key {
    uint64_t a, b;
    bool operator==(const Key &other) const { return a == other.a && b == other.b; }
};

static inline uint64_t hash(Key key) {
    __uint128_t product = (__uint128_t)(key.a ^ 0x9E3779B97F4A7C15ull) * (key.b ^ 0xD6E8FEB86659FD93ull);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// The first `length` of 16 readable bytes.
static inline Key load_key(const char *bytes, size_t length) {
    Key key;
    memcpy(&key.a, bytes, 8);
    memcpy(&key.b, bytes + 8, 8);
    if (length < 8) {
        key.a &= (1ull << (8 * length)) - 1;
        key.b = 0;
    } else if (length < 16) {
        key.b &= length == 8 ? 0 : (1ull << (8 * (length - 8))) - 1;
    }
    return key;
}

static inline size_t length_of(Key key) {
    if (key.b) return 16 - __builtin_clzll(key.b) / 8;
    return key.a ? 8 - __builtin_clzll(key.a) / 8 : 0;
}

struct Count {
    uint64_t n = 0;
    void add(const Count &other) { n += other.n; }
};

// Value has `n`, zero only in a free slot, and `add`.
template <class Value> struct Table {
    struct Slot {
        Key key;
        Value value;
    };
    std::vector<Slot> slots;
    uint64_t mask, used = 0;
    std::unordered_map<std::string, Value> longer;

    explicit Table(size_t capacity = 1 << 16) : slots(capacity), mask(capacity - 1) {}

    void grow() {
        std::vector<Slot> old(slots.size() * 2);
        old.swap(slots);
        mask = slots.size() - 1;
        for (auto &slot : old) {
            if (!slot.value.n) continue;
            uint64_t index = hash(slot.key) & mask;
            while (slots[index].value.n) index = (index + 1) & mask;
            slots[index] = slot;
        }
    }

    inline void add(Key key, uint64_t hashed, const Value &value) {
        for (uint64_t index = hashed & mask;; index = (index + 1) & mask) {
            Slot &slot = slots[index];
            if (!slot.value.n) {
                slot = {key, value};
                if (++used * 2 > slots.size()) grow();
                return;
            }
            if (slot.key == key) {
                slot.value.add(value);
                return;
            }
        }
    }

    inline void prefetch(uint64_t hashed) const { __builtin_prefetch(&slots[hashed & mask]); }

    void merge(const Table &other) {
        for (auto &slot : other.slots)
            if (slot.value.n) add(slot.key, hash(slot.key), slot.value);
        for (auto &entry : other.longer) longer[entry.first].add(entry.second);
    }

    template <class Visit> void each(Visit visit) {
        for (auto &slot : slots) {
            if (!slot.value.n) continue;
            char bytes[16];
            memcpy(bytes, &slot.key, 16);
            visit(std::string_view(bytes, length_of(slot.key)), slot.value);
        }
        for (auto &entry : longer) visit(std::string_view(entry.first), entry.second);
    }
};

// Adds with the slots of a batch fetched ahead.
template <class Value> struct Batch {
    static constexpr int size = 32;
    Table<Value> &table;
    Key keys[size];
    uint64_t hashes[size];
    Value values[size];
    int count = 0;

    explicit Batch(Table<Value> &table) : table(table) {}

    inline void add(Key key, const Value &value) {
        uint64_t hashed = hash(key);
        table.prefetch(hashed);
        keys[count] = key;
        hashes[count] = hashed;
        values[count] = value;
        if (++count == size) flush();
    }

    void flush() {
        for (int i = 0; i < count; i++) table.add(keys[i], hashes[i], values[i]);
        count = 0;
    }
};

struct Writer {
    FILE *file;
    std::vector<char> buffer;
    size_t used = 0;

    explicit Writer(const char *path) : file(fopen(path, "wb")), buffer(1 << 20) {
        if (!file) {
            perror(path);
            exit(1);
        }
    }
    ~Writer() {
        flush();
        fclose(file);
    }
    void put(std::string_view text) {
        if (used + text.size() > buffer.size()) flush();
        if (text.size() > buffer.size()) {
            fwrite(text.data(), 1, text.size(), file);
            return;
        }
        memcpy(&buffer[used], text.data(), text.size());
        used += text.size();
    }
    void number(uint64_t value) {
        char digits[24];
        int at = 24;
        do digits[--at] = '0' + value % 10;
        while (value /= 10);
        put({digits + at, (size_t)(24 - at)});
    }
    void flush() {
        fwrite(buffer.data(), 1, used, file);
        used = 0;
    }
};
