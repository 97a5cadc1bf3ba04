// generate_page_views OUT COUNT SEED [USERS PAGES [START]]: page views, one JSON object of four fields a line, about
// 100 bytes.
//
// 100,000 users, uniform; 1,000 pages, Zipf; event times that rise by 0.36 ms from START on, an hour in 10 million events,
// and are at most 2 s out of order.
#include "generate.h"

int main(int count, char **arguments) {
    if (count != 4 && count != 6 && count != 7)
        return fprintf(stderr, "usage: generate_page_views OUT COUNT SEED [USERS PAGES [START]]\n"), 2;
    uint64_t events = strtoull(arguments[2], nullptr, 10);
    Random random{strtoull(arguments[3], nullptr, 10)};
    uint64_t users = count > 4 ? strtoull(arguments[4], nullptr, 10) : 100'000;
    uint64_t ranks = count > 4 ? strtoull(arguments[5], nullptr, 10) : 1'000;
    uint64_t first = count == 7 ? strtoull(arguments[6], nullptr, 10) : 1'700'000'040'000;
    std::vector<double> weights;
    for (uint64_t rank = 1; rank <= ranks; rank++) weights.push_back(1.0 / rank);
    WeightedChoice pages(weights);
    Output output(arguments[1]);
    for (uint64_t i = 0; i < events; i++) {
        char *start = output.room(), *at = start;
        uint64_t page = pages.draw(random);
        at = put_number(put_text(at, "{\"user_id\":\""), 1'000'000 + random.below(users));
        at = put_number(put_text(at, "\",\"page\":\"/shop/category/"), page % 20, 2);
        at = put_number(put_text(at, "/item/"), page, 3);
        at = put_number(put_text(at, "\",\"time_on_page\":"), 1 + random.below(600));
        at = put_number(put_text(at, ",\"ts\":"), first + i * 36 / 100 - random.below(2000));
        at = put_text(at, "}\n");
        output.used += at - start;
    }
    output.close();
}
