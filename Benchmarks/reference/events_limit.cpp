// events_limit FILE THREADS OUT: count of events and sum of `amount` per `user_id` over JSON lines.
//
// Decodes two fields and no more, but finds them by structure: quotes, escapes and nesting are told apart 64 bytes at a
// time, and only colons, brackets and line ends outside strings are looked at one by one. A field counts at the top
// level of an event only. Events without a user are left out; one without an amount adds none.
// Writes `user,count,sum`.
#include <cmath>
#include <thread>
#include "input.h"
#include "table.h"

struct Amounts {
    uint64_t n = 0;
    double sum = 0;
    void add(const Amounts &other) {
        n += other.n;
        sum += other.sum;
    }
};

// Tells strings from structure, block by block.
struct Scanner {
    uint64_t escaped_next = 0, in_string = 0;

    // The quotes that aren't escaped: a character is if an odd number of backslashes stands before it.
    inline uint64_t quotes(const char *block) {
        uint64_t backslashes = mask_of(block, '\\'), escaped = escaped_next;
        if (backslashes || escaped_next) {
            escaped_next = 0;
            for (uint64_t left = backslashes & ~escaped; left;) {
                int at = __builtin_ctzll(left);
                if (at == 63) {
                    escaped_next = 1;
                    break;
                }
                escaped |= 2ull << at;
                left &= ~(3ull << at);
            }
        }
        return mask_of(block, '"') & ~escaped;
    }

    // Bits of the bytes inside strings, their opening quotes among them.
    inline uint64_t strings(uint64_t quotes) {
        __m128i odd = _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)quotes), _mm_set1_epi8((char)0xFF), 0);
        uint64_t inside = (uint64_t)_mm_cvtsi128_si64(odd) ^ in_string;
        in_string = (uint64_t)((int64_t)inside >> 63);
        return inside;
    }

    // Colons, brackets and line ends that aren't text.
    inline uint64_t structure(const char *block) {
        static const ByteSet characters(":{}[]\n");
        uint64_t inside = strings(quotes(block));
        return characters.mask(block) & ~inside;
    }
};

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// The number at `at`, exactly rounded: by one division where mantissa and power are exact, else by strtod.
static inline bool parse_number(const char *at, const char *end, double &value) {
    const char *start = at;
    bool negative = at < end && *at == '-';
    at += negative;
    uint64_t mantissa = 0;
    int digits = 0, fraction = 0;
    while (at < end && (uint8_t)(*at - '0') < 10) mantissa = mantissa * 10 + (*at++ - '0'), digits++;
    if (!digits) return false;
    if (at < end && *at == '.') {
        at++;
        while (at < end && (uint8_t)(*at - '0') < 10) mantissa = mantissa * 10 + (*at++ - '0'), digits++, fraction++;
    }
    bool exponent = at < end && (*at | 32) == 'e';
    if (!exponent && digits <= 15) {
        value = (double)mantissa / powers[fraction];
    } else {
        std::string copy(start, std::min<size_t>(end - start, 400));
        value = strtod(copy.c_str(), nullptr);
        return true;
    }
    if (negative) value = -value;
    return true;
}

static void append_scalar(std::string &text, uint32_t scalar) {
    if (scalar < 0x80) {
        text += (char)scalar;
    } else if (scalar < 0x800) {
        text += {(char)(0xC0 | scalar >> 6), (char)(0x80 | (scalar & 63))};
    } else if (scalar < 0x10000) {
        text += {(char)(0xE0 | scalar >> 12), (char)(0x80 | (scalar >> 6 & 63)), (char)(0x80 | (scalar & 63))};
    } else {
        text += {(char)(0xF0 | scalar >> 18), (char)(0x80 | (scalar >> 12 & 63)), (char)(0x80 | (scalar >> 6 & 63)),
                 (char)(0x80 | (scalar & 63))};
    }
}

static std::string unescaped(const char *at, const char *end) {
    std::string text;
    auto unit = [&](const char *digits) { return (uint32_t)strtoul(std::string(digits, 4).c_str(), nullptr, 16); };
    while (at < end) {
        if (*at != '\\' || at + 1 >= end) {
            text += *at++;
            continue;
        }
        char escape = at[1];
        at += 2;
        static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
        if (const char *known = strchr(from, escape)) {
            text += to[known - from];
        } else if (escape == 'u' && at + 4 <= end) {
            uint32_t scalar = unit(at);
            at += 4;
            if (scalar >> 10 == 0x36 && at + 6 <= end && at[0] == '\\' && at[1] == 'u') {
                scalar = 0x10000 + ((scalar & 0x3FF) << 10) + (unit(at + 2) & 0x3FF);
                at += 6;
            }
            append_scalar(text, scalar);
        } else {
            text += escape;
        }
    }
    return text;
}

// One thread's part of the events.
struct Part {
    Table<Amounts> table;
    Batch<Amounts> batch{table};
    const char *user = nullptr, *user_end = nullptr;
    double amount = 0;
    int depth = 0;

    static bool is_space(char byte) { return byte == ' ' || byte == '\t' || byte == '\r'; }

    // A colon of the event's own: remembers the value if the field is one of the two.
    inline void colon(const char *start, const char *at, const char *end) {
        const char *key_end = at;
        while (key_end > start && is_space(key_end[-1])) key_end--;
        if (key_end - start < 10) return;
        uint64_t last;
        memcpy(&last, key_end - 8, 8);
        bool is_amount = !memcmp(&last, "\"amount\"", 8) && key_end[-9] != '\\';
        bool is_user = !memcmp(&last, "user_id\"", 8) && key_end[-9] == '"';
        if (!is_amount && !is_user) return;
        const char *value = at + 1;
        while (value < end && is_space(*value)) value++;
        if (is_amount) {
            if (!parse_number(value, end, amount)) amount = 0;
        } else if (value < end && *value == '"') {
            user = ++value;
            while (value < end && *value != '"') value += *value == '\\' ? 2 : 1;
            user_end = value;
        }
    }

    inline void finish_event(const char *end) {
        if (user) {
            size_t length = user_end - user;
            bool plain = !memchr(user, '\\', length);
            if (plain && length <= 16 && user + 16 <= end) {
                batch.add(load_key(user, length), {1, amount});
            } else {
                std::string text = plain ? std::string(user, length) : unescaped(user, user_end);
                if (text.size() <= 16) {
                    char copy[16] = {0};
                    memcpy(copy, text.data(), text.size());
                    batch.add(load_key(copy, text.size()), {1, amount});
                } else {
                    table.longer[text].add({1, amount});
                }
            }
        }
        user = nullptr;
        amount = 0;
        depth = 0;
    }

    inline void handle(const char *start, const char *at, const char *end) {
        switch (*at) {
        case ':':
            if (depth == 1) colon(start, at, end);
            break;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            depth--;
            break;
        default:
            finish_event(end);
        }
    }

    void run(const char *start, const char *end) {
        Scanner scanner;
        const char *at = start;
        for (; at + 64 <= end; at += 64)
            for (uint64_t found = scanner.structure(at); found; found &= found - 1)
                handle(start, at + __builtin_ctzll(found), end);
        char last[64] = {0};
        memcpy(last, at, end - at);
        for (uint64_t found = scanner.structure(last); found; found &= found - 1)
            handle(start, at + __builtin_ctzll(found), end);
        finish_event(end);
        batch.flush();
    }
};

int main(int count, char **arguments) {
    if (count != 4) return fprintf(stderr, "usage: events_limit FILE THREADS OUT\n"), 2;
    Input input(arguments[1]);
    size_t threads = strtoul(arguments[2], nullptr, 10);
    std::vector<Part> parts(threads);
    std::vector<std::thread> running;
    std::vector<size_t> cuts{0};
    for (size_t i = 1; i < threads; i++) {
        size_t cut = input.size / threads * i;
        while (cut < input.size && cut > 0 && input.bytes[cut - 1] != '\n') cut++;
        cuts.push_back(cut);
    }
    cuts.push_back(input.size);
    for (size_t i = 0; i < threads; i++)
        running.emplace_back([&, i] { parts[i].run(input.bytes + cuts[i], input.bytes + cuts[i + 1]); });
    for (auto &thread : running) thread.join();
    for (size_t i = 1; i < threads; i++) parts[0].table.merge(parts[i].table);
    Writer writer(arguments[3]);
    uint64_t events = 0, users = 0;
    double total = 0;
    parts[0].table.each([&](std::string_view user, const Amounts &amounts) {
        char sum[40];
        snprintf(sum, sizeof sum, ",%.17g\n", amounts.sum);
        writer.put(user);
        writer.put(",");
        writer.number(amounts.n);
        writer.put(sum);
        events += amounts.n;
        total += amounts.sum;
        users++;
    });
    printf("METRIC events=%llu\nMETRIC users=%llu\nMETRIC sum=%.2f\n", (unsigned long long)events,
           (unsigned long long)users, total);
}
