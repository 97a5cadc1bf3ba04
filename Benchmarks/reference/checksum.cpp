// checksum FILE…: a sum over lines that doesn't depend on their order.
//
// A line is a key, a tab or comma, and a count. Prints lines, the sum of counts, and a hash of keys and counts.
#include "input.h"
#include "table.h"

static uint64_t mix(uint64_t a, uint64_t b) { return hash({a, b}); }

int main(int count, char **arguments) {
    uint64_t lines = 0, total = 0, checksum = 0;
    for (int i = 1; i < count; i++) {
        Input input(arguments[i]);
        for (size_t at = 0; at < input.size;) {
            const char *line = input.bytes + at;
            const char *end = (const char *)memchr(line, '\n', input.size - at);
            if (!end) end = input.bytes + input.size;
            const char *separator = end;
            while (separator > line && *separator != '\t' && *separator != ',') separator--;
            uint64_t hashed = mix(separator - line, 1), number = 0;
            for (const char *byte = line; byte < separator; byte++) hashed = mix(hashed ^ (uint8_t)*byte, 2);
            for (const char *digit = separator + 1; digit < end; digit++) number = number * 10 + (*digit - '0');
            lines++;
            total += number;
            checksum += mix(hashed, number);
            at = end - input.bytes + 1;
        }
    }
    printf("lines=%llu total=%llu checksum=%016llx\n", (unsigned long long)lines, (unsigned long long)total,
           (unsigned long long)checksum);
}
