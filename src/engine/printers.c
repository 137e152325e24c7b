/* The printers of shapes. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "emitter.h"

void emitter_begin(struct emitter *m, int count)
{
    const struct codec *codec = &m->config->codec;
    if (count > m->begun && codec->begin) {
        codec->begin(codec->context, &m->out, count);
    }
    m->begun = count > m->begun ? count : m->begun;
}

/* Once for each table, though it may have several printers, and several threads print with them. */
static void say_cut(void *context, int stream, const char *column, uint32_t len)
{
    struct emitter *m = context;
    const struct catalog_stream *s = &m->config->catalog->streams[stream];
    if (counter_take(&m->cut[stream])) {
        return;
    }
    log_line(m->config->log, LOG_WARN,
             "table %s has a value of %" PRIu32 " bytes in column \"%s\", more than "
             "advanced.max_value_bytes allows: it and others like it are cut, or replaced by a "
             "marker where they are JSON",
             stream_label(s->schema, s->table).s, len, column);
}

struct printer *printer_of(struct emitter *m, struct relation *relation)
{
    const struct engine_config *config = m->config;
    if (!relation->printer) {
        struct frame frame = {0};
        const struct catalog_stream *stream = &config->catalog->streams[relation->stream];
        emitter_begin(m, relation->stream + 1);
        config->codec.frame(config->codec.context, relation->stream, &frame);
        frame.cut = say_cut;
        frame.cut_context = m;
        if (config->codec.shape) {
            config->codec.shape(config->codec.context, &m->out, relation);
        }
        relation->printer = printer_new(relation, &frame, stream->schema, stream->table);
        if (relation_column(relation, "_meta") >= 0) {
            log_line(config->log, LOG_WARN,
                     "column \"_meta\" of table %s is not captured: a record's own takes its "
                     "place; rename the column to capture it",
                     stream_label(stream->schema, stream->table).s);
        }
        m->printers = mem_grow_array((void *)m->printers, &m->printer_cap, m->printer_count + 1,
                                     sizeof *m->printers);
        m->printers[m->printer_count++] = relation->printer;
    }
    return relation->printer;
}

void drop_printer(struct emitter *m, struct relation *relation)
{
    for (size_t i = 0; relation->printer; i++) {
        CHECK(i < m->printer_count);
        if (m->printers[i] == relation->printer) {
            printer_free(&m->printers[i]);
            m->printers[i] = m->printers[--m->printer_count];
            relation->printer = NULL;
        }
    }
}

void drop_printers(struct emitter *m)
{
    for (size_t i = 0; i < m->printer_count; i++) {
        printer_free(&m->printers[i]);
    }
    free((void *)m->printers);
}
