// wc_normalised FILE THREADS OUT: runs of the letters A to Z in either case, lower-cased, of at least three letters.
#include "words.h"

// Everything that isn't a letter.
struct NoLetters {
    static bool contains(uint8_t byte) { return (uint8_t)((byte | 32) - 'a') >= 26; }

    static inline uint64_t mask(const char *block) {
#ifdef __AVX512BW__
        __m512i x = _mm512_or_si512(_mm512_loadu_si512(block), _mm512_set1_epi8(32));
        return _mm512_cmpge_epu8_mask(_mm512_sub_epi8(x, _mm512_set1_epi8('a')), _mm512_set1_epi8(26));
#else
        uint64_t letters = 0;
        for (int half = 0; half < 2; half++) {
            __m256i x = _mm256_loadu_si256((const __m256i *)(block + 32 * half));
            __m256i y = _mm256_sub_epi8(_mm256_or_si256(x, _mm256_set1_epi8(32)), _mm256_set1_epi8('a'));
            __m256i letter = _mm256_cmpeq_epi8(_mm256_min_epu8(y, _mm256_set1_epi8(25)), y);
            letters |= (uint64_t)(uint32_t)_mm256_movemask_epi8(letter) << (32 * half);
        }
        return ~letters;
#endif
    }
};

static constexpr size_t shortest = 3;
static constexpr uint64_t cases = 0x2020202020202020ull;

int main(int count, char **arguments) {
    if (count != 4) return fprintf(stderr, "usage: wc_normalised FILE THREADS OUT\n"), 2;
    auto part = [](const Input &input, size_t start, size_t end, Table<Count> &table) {
        Batch<Count> batch(table);
        each_word(input, start, end, NoLetters(), [&](size_t offset, size_t length) {
            if (length < shortest) return;
            if (length <= 16) {
                Key key = load_word(input, offset, length), bits = {cases, cases};
                // The letters of the word, not the zeros behind it.
                Key within = load_key((const char *)&bits, length);
                batch.add({key.a | within.a, key.b | within.b}, {1});
            } else {
                std::string word(input.bytes + offset, length);
                for (char &letter : word) letter |= 32;
                table.longer[word].n++;
            }
        });
        batch.flush();
    };
    return count_words(arguments[1], atoi(arguments[2]), arguments[3], part);
}
