// wc_variant FILE THREADS OUT SEPARATORS CASE MINIMUM PREFIX KEY: word counts with other lambdas.
//
// SEPARATORS  ASCII characters that end a word, besides the newline; or `space` for white space
// CASE        none, lower or upper (ASCII)
// MINIMUM     shorter words don't count
// PREFIX      only so many characters of a word are its key, 0 for all
// KEY         `word`, or `initial-length` for the first character, a hyphen and the word's length
#include "words.h"

struct Variant {
    ByteSet separators{"\n"};
    enum { none, lower, upper } letter_case = none;
    size_t minimum = 0, prefix = 0;
    bool initial_length = false;
};

// Changes the case of the ASCII letters among 16 bytes.
static inline Key with_case(Key key, bool upper) {
    __m128i x = _mm_set_epi64x((long long)key.b, (long long)key.a);
    __m128i first = _mm_set1_epi8(upper ? 'a' : 'A');
    __m128i y = _mm_sub_epi8(x, first);
    __m128i letter = _mm_cmpeq_epi8(_mm_min_epu8(y, _mm_set1_epi8(25)), y);
    x = _mm_xor_si128(x, _mm_and_si128(letter, _mm_set1_epi8(32)));
    return {(uint64_t)_mm_cvtsi128_si64(x), (uint64_t)_mm_extract_epi64(x, 1)};
}

static std::string with_case(std::string word, bool upper) {
    for (char &letter : word)
        if (letter >= (upper ? 'a' : 'A') && letter <= (upper ? 'z' : 'Z')) letter ^= 32;
    return word;
}

static inline Key initial_and_length(char initial, size_t length) {
    char text[24] = {0};
    int digits = snprintf(text + 2, sizeof text - 2, "%zu", length);
    text[0] = initial;
    text[1] = '-';
    return load_key(text, digits + 2);
}

static void count_part(const Input &input, size_t start, size_t end, const Variant &variant, Table<Count> &table) {
    Batch<Count> batch(table);
    // Keys of one letter and a length, made once each.
    std::vector<Key> computed(256 * 64);
    for (int initial = 1; initial < 256; initial++)
        for (int length = 1; length < 64; length++)
            computed[initial * 64 + length] = initial_and_length((char)initial, length);

    each_word(input, start, end, variant.separators, [&](size_t offset, size_t length) {
        if (length < variant.minimum) return;
        if (variant.initial_length) {
            uint8_t initial = input.bytes[offset];
            batch.add(length < 64 ? computed[initial * 64 + length] : initial_and_length(initial, length), {1});
            return;
        }
        if (variant.prefix && length > variant.prefix) length = variant.prefix;
        if (length <= 16) {
            Key key = load_word(input, offset, length);
            if (variant.letter_case != Variant::none) key = with_case(key, variant.letter_case == Variant::upper);
            batch.add(key, {1});
        } else {
            std::string word(input.bytes + offset, length);
            if (variant.letter_case != Variant::none) word = with_case(word, variant.letter_case == Variant::upper);
            table.longer[word].n++;
        }
    });
    batch.flush();
}

int main(int count, char **arguments) {
    if (count != 9)
        return fprintf(stderr, "usage: wc_variant FILE THREADS OUT SEPARATORS CASE MINIMUM PREFIX KEY\n"), 2;
    Variant variant;
    std::string separators = arguments[4], letter_case = arguments[5];
    for (char separator : separators == "space" ? std::string(" \t\v\f\r") : separators)
        variant.separators.add((uint8_t)separator);
    if (letter_case == "lower") variant.letter_case = Variant::lower;
    if (letter_case == "upper") variant.letter_case = Variant::upper;
    variant.minimum = strtoul(arguments[6], nullptr, 10);
    variant.prefix = strtoul(arguments[7], nullptr, 10);
    variant.initial_length = std::string(arguments[8]) == "initial-length";
    auto part = [&](const Input &input, size_t start, size_t end, Table<Count> &table) {
        count_part(input, start, end, variant, table);
    };
    return count_words(arguments[1], atoi(arguments[2]), arguments[3], part);
}
