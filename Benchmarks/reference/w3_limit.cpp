// w3_limit FILE THREADS OUT: events per user and minute of event time, with simdjson (libsimdjson-dev, -lsimdjson).
//
// The watermark is the latest time seen less 2 s; a window is written and freed when the watermark passes its end. With
// several threads each takes a part of the file, and windows that touch a seam are merged at the end.
// Writes `user_id,window_start_ms,count`, a file per thread.
#include <map>
#include <memory>
#include <simdjson.h>
#include <thread>
#include "input.h"
#include "table.h"

using namespace simdjson;

static constexpr int64_t window_size = 60'000, lateness_bound = 2'000;

struct Part {
    std::map<int64_t, Table<Count>> open;
    uint64_t rows = 0, sum = 0, late = 0;
    std::unique_ptr<Writer> writer;

    void write(int64_t window, Table<Count> &table) {
        table.each([&](std::string_view user, Count count) {
            writer->put(user);
            writer->put(",");
            writer->number(window);
            writer->put(",");
            writer->number(count.n);
            writer->put("\n");
            rows++;
            sum += count.n;
        });
    }

    // Writes what the watermark has passed; windows at the front seam stay if the part isn't the first.
    void close(int64_t closed, int64_t first, bool keeps_first) {
        for (auto entry = open.begin(); entry != open.end() && entry->first + window_size <= closed;) {
            if (keeps_first && entry->first <= first + window_size) {
                ++entry;
                continue;
            }
            write(entry->first, entry->second);
            entry = open.erase(entry);
        }
    }
};

static void run(const char *bytes, size_t size, Part &part, bool keeps_first) {
    ondemand::parser parser;
    ondemand::document_stream stream;
    if (auto error = parser.iterate_many(bytes, size, 1 << 20).get(stream)) {
        fprintf(stderr, "%s\n", error_message(error));
        exit(1);
    }
    int64_t latest = 0, closed = 0, first = -1, current_window = -1;
    Table<Count> *current = nullptr;
    for (auto entry = stream.begin(); entry != stream.end(); ++entry) {
        auto event = *entry;
        std::string_view user = event["user_id"].get_string();
        int64_t time = event["ts"].get_int64();
        int64_t window = time / window_size * window_size;
        if (first < 0) first = window;
        if (window + window_size <= closed) {
            part.late++;
            continue;
        }
        if (window != current_window) {
            current = &part.open.try_emplace(window, 1 << 16).first->second;
            current_window = window;
        }
        if (user.size() <= 16) {
            char copy[16] = {0};
            memcpy(copy, user.data(), user.size());
            Key key = load_key(copy, 16);
            current->add(key, hash(key), {1});
        } else {
            current->longer[std::string(user)].n++;
        }
        if (time <= latest) continue;
        latest = time;
        int64_t passed = (latest - lateness_bound) / window_size * window_size;
        if (passed > closed) {
            closed = passed;
            part.close(closed, first, keeps_first);
            current_window = -1;
        }
    }
}

int main(int count, char **arguments) {
    if (count != 4) return fprintf(stderr, "usage: w3_limit FILE THREADS OUT\n"), 2;
    Input input(arguments[1]);
    // simdjson reads past the end: a mapping with a page of zeros behind it.
    size_t pages = (input.size + 4095) & ~4095ull;
    char *bytes = (char *)mmap(0, pages + 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int descriptor = open(arguments[1], O_RDONLY);
    mmap(bytes, input.size, PROT_READ, MAP_SHARED | MAP_FIXED, descriptor, 0);
    int threads = atoi(arguments[2]);
    std::vector<Part> parts(threads);
    std::vector<std::thread> running;
    std::vector<size_t> cuts{0};
    for (int i = 1; i < threads; i++) {
        size_t cut = input.size / threads * i;
        while (bytes[cut - 1] != '\n') cut++;
        cuts.push_back(cut);
    }
    cuts.push_back(input.size);
    for (int i = 0; i < threads; i++) {
        parts[i].writer = std::make_unique<Writer>((std::string(arguments[3]) + "." + std::to_string(i)).c_str());
        running.emplace_back([&, i] { run(bytes + cuts[i], cuts[i + 1] - cuts[i], parts[i], i > 0); });
    }
    for (auto &thread : running) thread.join();
    for (int i = 1; i < threads; i++)
        for (auto &entry : parts[i].open) parts[0].open.try_emplace(entry.first, 1 << 16).first->second.merge(entry.second);
    for (auto &entry : parts[0].open) parts[0].write(entry.first, entry.second);
    uint64_t rows = 0, sum = 0, late = 0;
    for (auto &part : parts) {
        rows += part.rows;
        sum += part.sum;
        late += part.late;
    }
    printf("METRIC rows=%lu\nMETRIC sum=%lu\nMETRIC late=%lu\n", rows, sum, late);
}
