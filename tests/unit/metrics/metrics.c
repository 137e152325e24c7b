#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics/metrics.h"

#define S *1000000LL

static struct stream_progress stream;
static struct stream_output output;
static struct progress progress;
static struct metrics_source source;
static struct out out;

static void begin(void)
{
    stream = (struct stream_progress){.schema = (char *)"public",
                                      .table = (char *)"odd \"name\"\\\n",
                                      .row_estimate = 200,
                                      .rows = 100,
                                      .backfilling = 1};
    output = (struct stream_output){1, 2, 3, 4};
    progress = (struct progress){.ready = 1,
                                 .stream_count = 1,
                                 .streams = &stream,
                                 .outputs = &output,
                                 .server_end = 5000,
                                 .position = 4000,
                                 .flushed = 3000,
                                 .commit_us = 10 S,
                                 .heard_us = 100 S,
                                 .slot = {1, SLOT_STATUS_EXTENDED, 77, 88, 99, 0}};
    source =
        (struct metrics_source){&progress, "db.example:5432", "flow_slot", "shop", "1.2.3", true};
    out_init(&out, 256);
}

static void end(void)
{
    out_free(&out);
}

TestSuite(metrics, .init = begin, .fini = end);

/* The labels that all samples have are put in. */
static void shows(const char *line)
{
    static const char labels[] = "server=\"db.example:5432\",slot=\"flow_slot\"";
    char *whole = malloc(strlen(line) + sizeof labels + 4);
    int name = (int)strcspn(line, "{ ");
    bool more = line[name] == '{';
    sprintf(whole, "\n%.*s{%s%s%s\n", name, line, labels, more ? "," : "}",
            line + name + (more ? 1 : 0));
    out.len = 0;
    metrics_write(&out, &source, 100 S, 12500);
    cr_assert(strstr(out_text(&out), whole), "no line %s in\n%s", line, out_text(&out));
    free(whole);
}

Test(metrics, a_label_is_quoted)
{
    shows("source_postgres_records_total{schema=\"public\",table=\"odd \\\"name\\\"\\\\\\n\",path="
          "\"backfill\"} 1");
}

Test(metrics, paths_are_distinguished)
{
    stream.table = (char *)"t";
    shows("source_postgres_record_bytes_total{schema=\"public\",table=\"t\",path=\"backfill\"} 2");
    shows("source_postgres_records_total{schema=\"public\",table=\"t\",path=\"replication\"} 3");
    shows(
        "source_postgres_record_bytes_total{schema=\"public\",table=\"t\",path=\"replication\"} 4");
}

Test(metrics, lag_is_in_bytes_and_seconds)
{
    shows("source_postgres_lag_bytes 1000");
    progress.slot.wal_end = 9000; /* seen on the server, while replication sends nothing */
    shows("source_postgres_server_lsn_bytes 9000");
    shows("source_postgres_lag_bytes 5000");
    progress.slot.wal_end = 0;
    shows("source_postgres_unacknowledged_bytes 2000");
    shows("source_postgres_lag_seconds 2.500000");
    progress.commit_us = 0; /* all is written */
    shows("source_postgres_lag_seconds 0.000000");
    progress.slot.mark_lsn = 4001; /* but something is still decoded */
    progress.slot.marked_us = 93 S;
    shows("source_postgres_lag_seconds 7.000000");
    progress.slot.mark_lsn = 4000;
    shows("source_postgres_lag_seconds 0.000000");
}

Test(metrics, lag_grows_while_the_connection_is_lost)
{
    shows("source_postgres_connected{connection=\"replication\"} 1");
    progress.lost_us = 99 S;
    shows("source_postgres_connected{connection=\"replication\"} 0");
    shows("source_postgres_lag_seconds 2.500000"); /* the last transaction is older */
    progress.commit_us = 0;
    shows("source_postgres_lag_seconds 1.000000");
    progress.lost_us = 0;
    shows("source_postgres_lag_seconds 0.000000");
    source.running = false;
    shows("source_postgres_connected{connection=\"replication\"} 0");
}

Test(metrics, a_heartbeat_that_is_under_way_counts_as_soon_as_it_is_late)
{
    metrics_write(&out, &source, 100 S, 0);
    cr_assert_null(strstr(out_text(&out), "heartbeat"));
    progress.heartbeat = (struct heartbeat_progress){90 S, 5000, 5000, 12345};
    shows("source_postgres_heartbeat_lag_seconds 0.012345");
    progress.heartbeat.lsn = 6000;
    shows("source_postgres_heartbeat_lag_seconds 10.000000");
    progress.heartbeat.sent_us = 100 S;
    shows("source_postgres_heartbeat_lag_seconds 0.012345");
}

Test(metrics, open_transactions_are_shown)
{
    progress.open_transactions = 2;
    progress.open_bytes = 1234;
    shows("source_postgres_open_transactions 2");
    shows("source_postgres_open_transaction_bytes 1234");
}

Test(metrics, the_status_of_the_slot_is_one_of_four)
{
    shows("source_postgres_slot_wal_status{status=\"reserved\"} 0");
    shows("source_postgres_slot_wal_status{status=\"extended\"} 1");
    shows("source_postgres_slot_safe_wal_bytes 77");
    shows("source_postgres_slot_catalog_xmin_age 99");
    progress.slot.safe_wal_size = UINT64_MAX;
    out.len = 0;
    metrics_write(&out, &source, 100 S, 0);
    cr_assert_null(strstr(out_text(&out), "safe_wal"));
}

Test(metrics, chunks_of_all_workers_are_added_up)
{
    progress.workers[0] = (struct worker_progress){2, 3 S, 1, {1 S, 5 S}};
    progress.workers[63] = (struct worker_progress){1, 1 S, 1, {2 S, 0}};
    shows("source_postgres_backfill_throttled_seconds_total{reason=\"rate\"} 3.000000");
    shows("source_postgres_backfill_throttled_seconds_total{reason=\"standby\"} 5.000000");
    shows("source_postgres_backfill_chunk_seconds_sum 4.000000");
    shows("source_postgres_backfill_chunk_seconds_count 3");
    shows("source_postgres_reconnects_total{connection=\"backfill\"} 2");
}

Test(metrics, a_capture_that_has_not_begun_has_few)
{
    progress = (struct progress){0};
    shows("source_postgres_info{version=\"1.2.3\",database=\"shop\"} 1");
    cr_assert_null(strstr(out_text(&out), "records"));
}

Test(metrics, a_capture_that_has_ended_does_not_move)
{
    shows("source_postgres_running 1");
    shows("source_postgres_moving 1");
    source.running = false;
    shows("source_postgres_running 0");
    shows("source_postgres_moving 0");
}

Test(metrics, health_is_of_output_and_server)
{
    cr_assert_eq(metrics_health(&progress, 110 S), HEALTH_MOVING);
    cr_assert_eq(metrics_health(&progress, 200 S), HEALTH_SILENT);
    progress.writing_since_us = 130 S;
    cr_assert_eq(metrics_health(&progress, 180 S), HEALTH_MOVING);
    cr_assert_eq(metrics_health(&progress, 200 S), HEALTH_BLOCKED);
    shows("source_postgres_moving 1");
    progress.writing_since_us = 30 S;
    shows("source_postgres_moving 0");
    progress.ready = 0;
    cr_assert_eq(metrics_health(&progress, 300 S), HEALTH_STARTING);
}

Test(metrics, the_file_is_replaced_as_a_whole)
{
    char directory[] = "/tmp/metrics-XXXXXX", path[64], beside[96];
    struct err err;
    struct stat before, after;
    cr_assert(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/it.prom", directory);
    snprintf(beside, sizeof beside, "%s.%ld.tmp", path, (long)getpid());
    out_string(&out, "one\n");
    cr_assert(metrics_file_write(path, &out, &err));
    cr_assert(!stat(path, &before));
    cr_assert(metrics_file_write(path, &out, &err));
    cr_assert(!stat(path, &after));
    cr_assert_neq(before.st_ino, after.st_ino, "a reader could have seen half of it");
    cr_assert_neq(access(beside, F_OK), 0, "nothing else is left");
    unlink(path);
    rmdir(directory);
    cr_assert_not(metrics_file_write(path, &out, &err));
    cr_assert(strstr(err.message, path));
}

static void serves(const char *address, bool expected)
{
    struct err err = {0};
    struct metrics_server *server = metrics_serve(address, &source, &err);
    cr_assert_eq(server != NULL, expected, "%s: %s", address, err.message);
    cr_assert(!server || metrics_port(server) > 0);
    metrics_close(&server);
}

Test(metrics, an_address_is_a_port_or_has_one)
{
    serves("0", true);
    serves("127.0.0.1:0", true);
    serves("localhost:0", false); /* no name is looked up */
    serves("127.0.0.1", false);
    serves("127.0.0.1:x", false);
    serves("127.0.0.1:65536", false);
    serves("99999", false);
    serves("4294967296", false);
    serves("", false);
    serves(":", false);
    serves("[::1", false);
    serves("[]:", false);
}

Test(metrics, a_port_alone_is_on_loopback)
{
    struct err err = {0};
    struct metrics_server *server = metrics_serve("0", &source, &err);
    struct sockaddr_in other = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)metrics_port(server))};
    inet_pton(AF_INET, "127.0.0.2", &other.sin_addr); /* a server on all addresses would answer */
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_neq(connect(fd, (struct sockaddr *)&other, sizeof other), 0);
    inet_pton(AF_INET, "127.0.0.1", &other.sin_addr);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&other, sizeof other), 0);
    close(fd);
    metrics_close(&server);
}
