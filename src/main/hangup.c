/* SIGHUP: the catalog file of a `read` is read again. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "config/file.h"
#include "program.h"

struct catalog *load_catalog(const struct program *p, struct err *err)
{
    struct out text;
    struct catalog *catalog = NULL;
    if (p->command.all) {
        return catalog_of_all(p, err);
    }
    out_init(&text, 4096);
    if (file_read("catalog", p->command.catalog, &text, err)) {
        catalog = catalog_parse(text.data, text.len, err);
    }
    out_free(&text);
    return catalog;
}

/* SIGHUP has a descriptor of its own: those who wait for a signal to end must not see it. */
bool wait_for_hangups(struct program *p, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    p->hangups = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    p->catalogs = queue_new();
    return p->hangups >= 0 ||
           err_set(err, ERR_SYSTEM, "cannot wait for signals: %s", strerror(errno));
}

static struct catalog *read_again(struct program *p, struct err *err)
{
    if (p->command.catalog && !strcmp(p->command.catalog, "-")) {
        err_set(err, ERR_CONFIG, "the catalog came from standard input, which has no more of it");
        return NULL;
    }
    return load_catalog(p, err);
}

void take_hangup(struct program *p)
{
    struct signalfd_siginfo info;
    struct err err = {0};
    if (read(p->hangups, &info, sizeof info) != sizeof info) {
        return;
    }
    struct catalog *catalog = read_again(p, &err);
    if (!catalog) {
        log_line(p->log, LOG_WARN,
                 "SIGHUP: the capture goes on with the catalog that it has, because the new one "
                 "cannot be used: %s",
                 err.message);
        return;
    }
    log_line(p->log, LOG_INFO, "SIGHUP: the %s again",
             p->command.all ? "tables were listed" : "catalog was read");
    queue_put(p->catalogs, catalog, 0);
    run_ring_bells(p->run);
}

void drop_hangups(struct program *p)
{
    struct catalog *catalog;
    while (p->catalogs && (catalog = queue_take(p->catalogs))) {
        catalog_free(&catalog);
    }
    queue_free(&p->catalogs);
    if (p->hangups >= 0) {
        close(p->hangups);
    }
}
