// wc_limit FILE THREADS OUT: words between white space (isspace of the C locale) and how often each occurs.
#include "words.h"

int main(int count, char **arguments) {
    if (count != 4) return fprintf(stderr, "usage: wc_limit FILE THREADS OUT\n"), 2;
    auto part = [](const Input &input, size_t start, size_t end, Table<Count> &table) {
        Batch<Count> batch(table);
        each_word(input, start, end, Spaces(), [&](size_t offset, size_t length) {
            if (length <= 16)
                batch.add(load_word(input, offset, length), {1});
            else
                table.longer[std::string(input.bytes + offset, length)].n++;
        });
        batch.flush();
    };
    return count_words(arguments[1], atoi(arguments[2]), arguments[3], part);
}
