// A mock cluster that other processes can reach, a producer at a pace, and a consumer that tells how late copies come.
//
// It prints `ready BROKERS`; then it sends the microsecond of each message to the topic "in" and reads the topic "out", to
// which somebody copies it. Messages of the first seconds don't count. At the end it prints `COUNT P50 P99 MAX`, the
// latter in microseconds, and waits for the end of its standard input. With `direct` it reads what it sends itself: what is left without anybody between.
//
// The topics have one partition: with four the mock cluster itself is late by up to a second at this pace.
//
// usage: kafka_latency EVENTS_PER_SECOND SECONDS SECONDS_BEFORE [direct]
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

static int64_t now() {
    const auto time = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

static rd_kafka_t *client(rd_kafka_type_t type, const std::vector<std::pair<const char *, std::string>> &properties) {
    char error[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (const auto &[name, value] : properties) {
        if (rd_kafka_conf_set(conf, name, value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) {
            std::fprintf(stderr, "kafka_latency: %s: %s\n", name, error);
            std::exit(1);
        }
    }
    rd_kafka_t *client = rd_kafka_new(type, conf, error, sizeof error);
    if (!client) {
        std::fprintf(stderr, "kafka_latency: %s\n", error);
        std::exit(1);
    }
    return client;
}

/// Sends until the time is over.
static void produce(rd_kafka_t *producer, long rate, int64_t end) {
    const int64_t began = now();
    int64_t sent = 0;
    while (now() < end) {
        const int64_t due = (now() - began) * rate / 1000000;
        for (; sent < due; sent++) {
            char value[32];
            const int length = std::snprintf(value, sizeof value, "%lld", static_cast<long long>(now()));
            rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("in"), RD_KAFKA_V_PARTITION(0),
                              RD_KAFKA_V_VALUE(value, static_cast<size_t>(length)),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        }
        rd_kafka_poll(producer, 0);
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    rd_kafka_flush(producer, 5000);
}

int main(int count, char **arguments) {
    if (count < 4) {
        std::fprintf(stderr, "usage: kafka_latency EVENTS_PER_SECOND SECONDS SECONDS_BEFORE [direct]\n");
        return 2;
    }
    const char *topic = count > 4 ? "in" : "out";
    const long rate = std::atol(arguments[1]);
    const int64_t seconds = std::atoll(arguments[2]), before = std::atoll(arguments[3]);
    // Its client only carries the cluster, and says so at level 5.
    rd_kafka_t *host = client(RD_KAFKA_PRODUCER, {{"client.id", "host"}, {"log_level", "3"}});
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(host, 1);
    for (const char *name : {"in", "out"}) rd_kafka_mock_topic_create(cluster, name, 1, 1);
    const std::string brokers = rd_kafka_mock_cluster_bootstraps(cluster);
    std::printf("ready %s\n", brokers.c_str());
    std::fflush(stdout);

    rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers}, {"linger.ms", "1"}});
    rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                                                      {"group.id", "latency"},
                                                      {"enable.auto.commit", "false"},
                                                      {"fetch.wait.max.ms", "1"}});
    rd_kafka_poll_set_consumer(consumer);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);

    const int64_t counted = now() + before * 1000000, end = counted + seconds * 1000000;
    std::thread sender(produce, producer, rate, end);
    std::vector<int64_t> delays;
    while (now() < end + 500000) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
        if (!message) continue;
        if (!message->err) {
            const std::string text(static_cast<const char *>(message->payload), message->len);
            const int64_t sent = std::atoll(text.c_str());
            if (sent >= counted) delays.push_back(now() - sent);
        }
        rd_kafka_message_destroy(message);
    }
    sender.join();
    std::sort(delays.begin(), delays.end());
    const auto at = [&](double share) -> long long {
        return delays.empty() ? -1 : delays[static_cast<size_t>(share * static_cast<double>(delays.size() - 1))];
    };
    std::printf("%zu %lld %lld %lld\n", delays.size(), at(0.5), at(0.99), at(1));
    std::fflush(stdout);
    // Whoever copies ends before the cluster does: the end of the standard input says so.
    while (std::getchar() != EOF) {}
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    rd_kafka_destroy(producer);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(host);
}
