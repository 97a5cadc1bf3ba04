// generate_events OUT COUNT SEED: page views, one JSON object of eight fields a line, about 140 bytes.
//
// 100,000 users, uniform; 1,000 pages, Zipf; amounts of 0.00 to 499.99; event times that rise by 0.36 ms and are at most
// 2 s out of order.
#include "generate.h"

int main(int count, char **arguments) {
    if (count != 4) return fprintf(stderr, "usage: generate_events OUT COUNT SEED\n"), 2;
    uint64_t events = strtoull(arguments[2], nullptr, 10);
    Random random{strtoull(arguments[3], nullptr, 10)};
    std::vector<double> weights;
    for (int rank = 1; rank <= 1000; rank++) weights.push_back(1.0 / rank);
    WeightedChoice pages(weights);
    static const char *countries[] = {"DE", "FR", "GB", "IN", "BR", "US", "JP", "NG"};
    static const char *devices[] = {"phone", "laptop", "tablet", "tv"};
    Output output(arguments[1]);
    for (uint64_t i = 0; i < events; i++) {
        char *start = output.room(), *at = start;
        at = put_number(put_text(at, "{\"user_id\":\""), 1'000'000 + random.below(100'000));
        at = put_number(put_text(at, "\",\"page\":\"/item/"), pages.draw(random), 3);
        uint64_t cents = random.below(50'000);
        at = put_number(put_text(at, "\",\"amount\":"), cents / 100);
        at = put_number(put_text(at, "."), cents % 100, 2);
        at = put_number(put_text(at, ",\"time_on_page\":"), 1 + random.below(600));
        at = put_number(put_text(at, ",\"ts\":"), 1'700'000'040'000 + i * 36 / 100 - random.below(2000));
        at = put_text(put_text(at, ",\"country\":\""), countries[random.below(8)]);
        at = put_text(put_text(at, "\",\"device\":\""), devices[random.below(4)]);
        at = put_number(put_text(at, "\",\"session\":\""), random.below(1'000'000), 6);
        at = put_text(at, "\"}\n");
        output.used += at - start;
    }
    output.close();
}
