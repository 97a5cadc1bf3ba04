// Reads a topic from its beginning with librdkafka and does nothing with it: what any consumer can reach.
//
// usage: kafka_consume BROKERS TOPIC PARTITIONS MESSAGES
#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char error[512];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) {
        std::fprintf(stderr, "kafka_consume: %s: %s\n", name, error);
        std::exit(1);
    }
}

int main(int count, char **arguments) {
    if (count != 5) {
        std::fprintf(stderr, "usage: kafka_consume BROKERS TOPIC PARTITIONS MESSAGES\n");
        return 2;
    }
    const int partitions = std::atoi(arguments[3]);
    const long long wanted = std::atoll(arguments[4]);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", arguments[1]);
    set(conf, "group.id", "reference");
    set(conf, "enable.auto.commit", "false");
    // The broker of the tests answers with all that it has.
    set(conf, "receive.message.max.bytes", "1000000000");
    // The same memory as Weir's reader.
    set(conf, "queued.min.messages", "1000000");
    char error[512];
    rd_kafka_t *consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (!consumer) {
        std::fprintf(stderr, "kafka_consume: %s\n", error);
        return 1;
    }
    rd_kafka_poll_set_consumer(consumer);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int partition = 0; partition < partitions; partition++) {
        rd_kafka_topic_partition_list_add(list, arguments[2], partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    }
    rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);

    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
    std::vector<rd_kafka_message_t *> messages(4096);
    long long found = 0, bytes = 0;
    for (int silent = 0; found < wanted && silent < 30;) {
        const ssize_t taken = rd_kafka_consume_batch_queue(queue, 1000, messages.data(), messages.size());
        silent = taken > 0 ? 0 : silent + 1;
        for (ssize_t index = 0; index < taken; index++) {
            if (!messages[index]->err) {
                found++;
                bytes += static_cast<long long>(messages[index]->len);
            }
            rd_kafka_message_destroy(messages[index]);
        }
    }
    std::printf("%lld messages, %lld bytes\n", found, bytes);
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    return found == wanted ? 0 : 1;
}
