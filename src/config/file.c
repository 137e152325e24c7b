/* read(2) until the end, with a limit that no real configuration reaches. */
#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/config.h"

enum {
    STEP = 64 * 1024,
    LIMIT = 256 * 1024 * 1024,
};

/* If the document itself was given in place of its file's name, do not repeat it: it may hold a
 * password. */
static bool failed(const char *what, const char *path, const char *reason, struct err *err)
{
    if (strpbrk(path, "{\n")) {
        return err_set(err, ERR_CONFIG,
                       "%s cannot be read: --%s takes the name of a file, or - for standard input, "
                       "and not the document itself",
                       what, what);
    }
    return err_set(err, ERR_CONFIG, "%s cannot be read from %s: %s", what, path, reason);
}

static bool read_all(int fd, const char *what, const char *path, struct out *text, struct err *err)
{
    size_t start = text->len;
    for (;;) {
        char *room = out_reserve(text, STEP);
        ssize_t len = read(fd, room, STEP);
        if (len == 0) {
            return true;
        }
        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len < 0) {
            return failed(what, path, strerror(errno), err);
        }
        out_commit(text, room + len);
        if (text->len - start > LIMIT) {
            return failed(what, path, "it is larger than 256 MiB", err);
        }
    }
}

static size_t without_line_end(const struct out *text)
{
    size_t len = text->len;
    len -= len && text->data[len - 1] == '\n';
    return len - (len < text->len && len && text->data[len - 1] == '\r');
}

/* The server would ask for a password that the configuration seems to give. */
static bool password_is_there(const struct config *c, struct err *err)
{
    return *c->password ||
           err_set(err, ERR_CONFIG,
                   "password_file %s is empty: write the password to it, or take password_file out "
                   "of the configuration",
                   c->password_file);
}

bool config_read_password(struct config *c, struct err *err)
{
    struct out text;
    if (!c->password_file) {
        return true;
    }
    if (c->password) {
        return err_set(err, ERR_CONFIG, "config: give password or password_file, not both");
    }
    out_init(&text, 256);
    bool ok = file_read("password_file", c->password_file, &text, err);
    if (ok) {
        c->password = mem_string_n(text.data, without_line_end(&text));
        explicit_bzero(text.data, text.len);
        ok = password_is_there(c, err);
    }
    out_free(&text);
    return ok;
}

bool file_read(const char *what, const char *path, struct out *text, struct err *err)
{
    struct stat status;
    if (!strcmp(path, "-")) {
        return read_all(STDIN_FILENO, what, "standard input", text, err);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return failed(what, path, strerror(errno), err);
    }
    bool ok = !fstat(fd, &status) && !S_ISDIR(status.st_mode)
                  ? read_all(fd, what, path, text, err)
                  : failed(what, path, "it is a directory", err);
    close(fd);
    return ok;
}
