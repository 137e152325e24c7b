/* The state: what was read can be written, is JSON, and read again is the same. */
#include "state/state.h"

#include "valid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct out write_whole(const struct state *state)
{
    struct out out;
    out_init(&out, 64);
    state_write_whole(&out, &state->identity, state->checkpoint);
    valid_expect(out.data, out.len);
    return out;
}

static void expect_parts(const struct state *state)
{
    struct out out;
    out_init(&out, 64);
    state_write_shared(&out, &state->identity, state->checkpoint);
    valid_expect(out.data, out.len);
    for (int i = 0; i < state->checkpoint->stream_count; i++) {
        out.len = 0;
        state_write_stream(&out, &state->checkpoint->streams[i]);
        valid_expect(out.data, out.len);
        out.len = 0;
        state_write_lone_stream(&out, &state->identity, state->checkpoint,
                                &state->checkpoint->streams[i]);
        valid_expect(out.data, out.len);
    }
    out_free(&out);
}

static void expect_same_again(const struct state *state)
{
    struct err err = {0};
    struct state again;
    struct out first = write_whole(state);
    if (!state_parse(&again, first.data, first.len, NULL, &err)) {
        fprintf(stderr, "%s\n%.*s\n", err.message, (int)first.len, first.data);
        abort();
    }
    struct out second = write_whole(&again);
    if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0) {
        abort();
    }
    state_clear(&again);
    out_free(&first);
    out_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct state state;
    if (!state_parse(&state, (const char *)data, size, NULL, &err)) {
        if (err.kind != ERR_CONFIG || !valid_utf8(err.message, strlen(err.message))) {
            abort();
        }
        return 0;
    }
    if (state.checkpoint) {
        expect_parts(&state);
        expect_same_again(&state);
    }
    state_clear(&state);
    return 0;
}
