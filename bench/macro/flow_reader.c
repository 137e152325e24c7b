/*
 * Flow's runtime, as far as its end of the pipes goes: sends what a file holds, takes each response apart
 * down to its document, which stays text, acknowledges each checkpoint, and says in the end on standard
 * error how many documents there were.
 *
 *   flow_reader json|proto REQUEST < responses > requests
 */
#include <protobuf-c/protobuf-c.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.pb-c.h"

enum { BLOCK = 1024 * 1024 };

static char *data;
static size_t length, room;
static uint64_t documents;

static void fail(const char *why)
{
    fprintf(stderr, "flow_reader: %s\n", why);
    exit(1);
}

static void send_all(const void *bytes, size_t len)
{
    for (const char *next = bytes; len;) {
        ssize_t sent = write(STDOUT_FILENO, next, len);
        if (sent <= 0) {
            return; /* it has ended, and wants no more */
        }
        next += sent;
        len -= (size_t)sent;
    }
}

static void send_request(const char *path)
{
    char bytes[64 * 1024];
    size_t len;
    FILE *file = fopen(path, "rb");
    if (!file) {
        fail("no request");
    }
    while ((len = fread(bytes, 1, sizeof bytes, file))) {
        send_all(bytes, len);
    }
    fclose(file);
}

static const char *skip_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++) {
        p += *p == '\\';
    }
    return p + 1;
}

/* Behind a value, however deep; as far as it must be looked at to find its end. */
static const char *skip_value(const char *p, const char *end)
{
    int depth = 0;
    while (p < end) {
        if (*p == '"') {
            p = skip_string(p, end);
        } else if (*p == '{' || *p == '[') {
            depth++;
            p++;
        } else if (*p == '}' || *p == ']') {
            if (!depth--) {
                return p;
            }
            p++;
        } else if (*p == ',' && !depth) {
            return p;
        } else {
            p++;
        }
        if (!depth && (p[-1] == '"' || p[-1] == '}' || p[-1] == ']')) {
            return p;
        }
    }
    fail("no JSON");
    return p;
}

/* {"captured":{"binding":0,"doc":…}}; true: a checkpoint. */
static bool take_line(const char *line, const char *end)
{
    static const char captured[] = "{\"captured\":{", doc[] = "\"doc\":";
    if (strncmp(line, captured, strlen(captured)) != 0) {
        return !strncmp(line, "{\"checkpoint\"", 13);
    }
    const char *p = line + strlen(captured);
    bool found = false;
    while (*p != '}') {
        bool is_doc = !strncmp(p, doc, strlen(doc));
        p = skip_value(skip_string(p, end) + 1, end);
        p += *p == ',';
        found |= is_doc;
    }
    documents += found;
    return false;
}

static bool take_message(const uint8_t *message, size_t len)
{
    Capture__Response *response = capture__response__unpack(NULL, len, message);
    if (!response) {
        fail("no message");
    }
    bool checkpoint = response->checkpoint != NULL;
    documents += response->captured && response->captured->doc_json.len;
    capture__response__free_unpacked(response, NULL);
    return checkpoint;
}

static size_t take_lines(void)
{
    static const char acknowledge[] = "{\"acknowledge\":{\"checkpoints\":1}}\n";
    size_t taken = 0;
    const char *end;
    while ((end = memchr(data + taken, '\n', length - taken))) {
        if (take_line(data + taken, end)) {
            send_all(acknowledge, strlen(acknowledge));
        }
        taken = (size_t)(end - data) + 1;
    }
    return taken;
}

static size_t take_frames(void)
{
    static const char acknowledge[] = {4, 0, 0, 0, 6 << 3 | 2, 2, 8, 1};
    size_t taken = 0;
    while (length - taken >= 4) {
        const uint8_t *frame = (const uint8_t *)data + taken;
        size_t len =
            frame[0] | (size_t)frame[1] << 8 | (size_t)frame[2] << 16 | (size_t)frame[3] << 24;
        if (length - taken < 4 + len) {
            break;
        }
        if (take_message(frame + 4, len)) {
            send_all(acknowledge, sizeof acknowledge);
        }
        taken += 4 + len;
    }
    return taken;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fail("see its first comment");
    }
    signal(SIGPIPE, SIG_IGN); /* the program that runs this may have left it as it is by default */
    bool proto = !strcmp(argv[1], "proto");
    send_request(argv[2]);
    for (;;) {
        if (room - length < BLOCK && !(data = realloc(data, room += 4 * BLOCK))) {
            fail("out of memory");
        }
        ssize_t len = read(STDIN_FILENO, data + length, BLOCK);
        if (len <= 0) {
            break;
        }
        length += (size_t)len;
        size_t taken = proto ? take_frames() : take_lines();
        memmove(data, data + taken, length - taken);
        length -= taken;
    }
    fprintf(stderr, "%llu\n", (unsigned long long)documents);
    return length ? 1 : 0;
}
