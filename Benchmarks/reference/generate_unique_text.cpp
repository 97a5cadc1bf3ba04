// generate_unique_text OUT WORDS SEED: text over WORDS distinct words, each at least once, uniformly.
//
// Two words per distinct one: every second is the next of a permutation of all, the others are drawn at random.
// Words have 12 to 21 letters, 16.5 on average: 30,000,000 words are 495 MB of keys and 1 GiB of text. 10 words a line.
#include "generate.h"

static constexpr uint64_t suffixes = 26ull * 26 * 26 * 26 * 26 * 26;

// Writes word `index`: letters that look random, then six that no other word has.
static char *put_word(char *at, uint64_t index, uint64_t seed) {
    uint64_t bits = Random{seed ^ index}.next();
    size_t prefix = 6 + bits % 10;
    bits /= 10;
    for (size_t i = 0; i < prefix; i++, bits = bits * 6364136223846793005ull + 1442695040888963407ull)
        *at++ = (char)('a' + (((bits >> 32) * 26) >> 32));
    // A permutation, as the factor shares no divisor with 26: neighbours get different letters.
    uint64_t unique = (uint64_t)((__uint128_t)index * 179'424'673 % suffixes);
    for (int i = 0; i < 6; i++, unique /= 26) *at++ = (char)('a' + unique % 26);
    return at;
}

int main(int count, char **arguments) {
    if (count != 4) return fprintf(stderr, "usage: generate_unique_text OUT WORDS SEED\n"), 2;
    uint64_t words = strtoull(arguments[2], nullptr, 10), seed = strtoull(arguments[3], nullptr, 10);
    if (words == 0 || words > suffixes) return fprintf(stderr, "between 1 and %llu words\n", (unsigned long long)suffixes), 2;
    Random random{seed};
    Output output(arguments[1]);
    // Steps through all words: a prime above any of them.
    uint64_t index = random.below(words);
    for (uint64_t i = 0; i < words; i++) {
        char *start = output.room(), *at = start;
        index = (index + 982'451'653) % words;
        at = put_word(at, index, seed);
        *at++ = ' ';
        at = put_word(at, random.below(words), seed);
        *at++ = i % 5 == 4 || i + 1 == words ? '\n' : ' ';
        output.used += at - start;
    }
    output.close();
}
