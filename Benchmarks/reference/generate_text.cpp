// generate_text OUT MIB SEED: English-like text over 500,000 distinct lower-case words.
//
// Zipf (s = 1), frequent words shorter; 5 to 15 words a line, single spaces, LF. A smaller size with the same seed is a
// prefix of a larger one. Ends with the last whole line within the size.
#include <algorithm>
#include <string>
#include <unordered_set>
#include "generate.h"

static constexpr size_t vocabulary_size = 500'000;

struct Word {
    char text[15];
    uint8_t length;
};

static size_t length_of_rank(size_t rank, Random &random) {
    if (rank <= 10) return 2 + random.below(2);
    if (rank <= 100) return 3 + random.below(3);
    if (rank <= 1000) return 4 + random.below(4);
    if (rank <= 10000) return 5 + random.below(5);
    return 6 + random.below(7);
}

static std::vector<Word> make_vocabulary(Random &random) {
    Letters letters;
    std::unordered_set<std::string> seen;
    std::vector<Word> words(vocabulary_size);
    for (size_t rank = 1; rank <= vocabulary_size; rank++) {
        size_t length = length_of_rank(rank, random);
        std::string word;
        for (;;) {
            word.clear();
            for (size_t i = 0; i < length; i++) word += letters.draw(random);
            if (seen.insert(word).second) break;
            length = std::min<size_t>(length + random.below(2), 14);
        }
        memcpy(words[rank - 1].text, word.data(), word.size());
        words[rank - 1].length = (uint8_t)word.size();
    }
    return words;
}

int main(int count, char **arguments) {
    if (count != 4) return fprintf(stderr, "usage: generate_text OUT MIB SEED\n"), 2;
    size_t limit = strtoull(arguments[2], nullptr, 10) << 20, written = 0;
    Random random{strtoull(arguments[3], nullptr, 10)};
    std::vector<Word> words = make_vocabulary(random);
    std::vector<double> weights(vocabulary_size);
    for (size_t rank = 1; rank <= vocabulary_size; rank++) weights[rank - 1] = 1.0 / (double)rank;
    WeightedChoice choice(weights);
    Output output(arguments[1]);
    for (;;) {
        char *line = output.room(), *at = line;
        for (size_t left = 5 + random.below(11); left; left--) {
            const Word &word = words[choice.draw(random)];
            memcpy(at, word.text, sizeof word.text);
            at += word.length;
            *at++ = left > 1 ? ' ' : '\n';
        }
        if (written + (size_t)(at - line) > limit) break;
        written += at - line;
        output.used += at - line;
    }
    output.close();
}
