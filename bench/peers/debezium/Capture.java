import io.debezium.engine.ChangeEvent;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.format.Json;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;

/**
 * Debezium's embedded engine, which writes each event as a line of JSON to standard output. It is stopped once COUNT events came; 0: never.
 *
 * java Capture HOST PORT USER DATABASE SSLMODE SLOT PUBLICATION backfill|replication|latency COUNT TABLES
 */
public final class Capture {
    private static final byte[] NEWLINE = {'\n'};

    private static Properties properties(String[] arguments) {
        Properties properties = new Properties();
        properties.put("name", "bench");
        properties.put("connector.class", "io.debezium.connector.postgresql.PostgresConnector");
        properties.put("offset.storage", "org.apache.kafka.connect.storage.MemoryOffsetBackingStore");
        properties.put("offset.flush.interval.ms", "1000");
        properties.put("database.hostname", arguments[0]);
        properties.put("database.port", arguments[1]);
        properties.put("database.user", arguments[2]);
        properties.put("database.password", System.getenv().getOrDefault("PGPASSWORD", ""));
        properties.put("database.dbname", arguments[3]);
        properties.put("database.sslmode", arguments[4]);
        properties.put("topic.prefix", "bench");
        properties.put("plugin.name", "pgoutput");
        properties.put("slot.name", arguments[5]);
        properties.put("publication.name", arguments[6]);
        properties.put("publication.autocreate.mode", "disabled");
        properties.put("snapshot.mode", arguments[7].equals("backfill") ? "initial_only" : "no_data");
        properties.put("table.include.list", arguments[9]);
        properties.put("key.converter.schemas.enable", "false");
        properties.put("value.converter.schemas.enable", "false");
        properties.put("tombstones.on.delete", "false");
        properties.put("message.prefix.exclude.list", ".*"); // pg_logical_emit_message(): no change of a row
        properties.put("max.batch.size", "8192"); // four times the defaults, as is advised for throughput
        properties.put("max.queue.size", "32768");
        properties.put("poll.interval.ms", "10"); // else latency is half a second
        return properties;
    }

    public static void main(String[] arguments) throws Exception {
        long expected = Long.parseLong(arguments[8]);
        BufferedOutputStream output = new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 20);
        CountDownLatch ended = new CountDownLatch(1);
        long[] count = {0};
        String[] failure = {null};
        DebeziumEngine.ChangeConsumer<ChangeEvent<String, String>> consumer = (events, committer) -> {
            try {
                write(events, committer, output);
            } catch (java.io.IOException error) {
                throw new java.io.UncheckedIOException(error);
            }
            count[0] += events.size();
            if (count[0] == expected) {
                ended.countDown();
            }
        };
        DebeziumEngine<ChangeEvent<String, String>> engine =
            DebeziumEngine.create(Json.class).using(properties(arguments)).notifying(consumer).using((success, message, error) -> {
                failure[0] = message + ": " + error;
                ended.countDown();
            }).build();
        Thread thread = new Thread(engine);
        thread.start();
        ended.await();
        if (failure[0] != null) {
            System.err.println(failure[0]);
            System.exit(1);
        }
        Runtime.getRuntime().halt(0); // all is written; to end in order takes it many seconds
    }

    private static void write(List<ChangeEvent<String, String>> events,
                              DebeziumEngine.RecordCommitter<ChangeEvent<String, String>> committer,
                              BufferedOutputStream output) throws java.io.IOException, InterruptedException {
        for (ChangeEvent<String, String> event : events) {
            output.write(event.value().getBytes(StandardCharsets.UTF_8));
            output.write(NEWLINE);
            committer.markProcessed(event);
        }
        output.flush();
        committer.markBatchFinished();
    }
}
