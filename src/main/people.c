/* Running the commands for people: their files, and what is asked on a terminal. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "commands/commands.h"
#include "program.h"

enum { ANSWER_BYTES = 64 };

static struct request request_of(const struct program *p)
{
    return (struct request){
        .config = p->config,
        .catalog = p->catalog,
        .unlisted = p->unlisted.message,
        .state = p->command.state ? &p->state : NULL,
        .admin = p->command.admin,
        .provider = p->command.provider,
        .json = p->command.json,
        .tables = p->command.tables,
        .table_count = p->command.table_count,
        .stop_fd = p->signals,
    };
}

bool people_show(struct program *p,
                 bool (*command)(const struct request *, struct out *, struct err *),
                 struct err *err)
{
    struct out out;
    struct request request = request_of(p);
    out_init(&out, 4096);
    bool ok = command(&request, &out, err) && write_out(p, &out, err);
    out_free(&out);
    return ok;
}

static bool wait_for_input(const struct program *p, struct err *err)
{
    struct pollfd fds[2] = {{STDIN_FILENO, POLLIN, 0}, {p->signals, POLLIN, 0}};
    while (poll(fds, 2, -1) < 0) {
    }
    return !fds[1].revents || err_set(err, ERR_STOPPED, "stopped");
}

static bool confirmed(const struct program *p, struct err *err)
{
    static const char question[] = "Type yes to drop this: ";
    char answer[ANSWER_BYTES] = "";
    if (p->command.yes) {
        return true;
    }
    if (!isatty(STDIN_FILENO)) {
        return err_set(err, ERR_CONFIG, "nothing was dropped: without a terminal, add --yes");
    }
    struct out out;
    out_init(&out, sizeof question);
    out_string(&out, question);
    bool asked = write_out(p, &out, err);
    out_free(&out);
    if (!asked || !wait_for_input(p, err)) {
        return false;
    }
    ssize_t len = read(STDIN_FILENO, answer, sizeof answer - 1);
    answer[len > 0 ? len : 0] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
    return !strcmp(answer, "yes") || err_set(err, ERR_CONFIG, "nothing was dropped");
}

static bool drop(struct program *p, struct pg *pg, const struct teardown *teardown, struct err *err)
{
    struct out out;
    if (!teardown_drops(teardown)) {
        return true;
    }
    if (!confirmed(p, err) || !teardown_run(pg, p->config, teardown, err)) {
        return false;
    }
    out_init(&out, 64);
    out_string(&out, "Dropped.\n");
    bool ok = write_out(p, &out, err);
    out_free(&out);
    return ok;
}

bool people_teardown(struct program *p, struct err *err)
{
    struct out out;
    struct pg *pg = NULL;
    struct teardown teardown;
    struct request request = request_of(p);
    out_init(&out, 1024);
    bool ok = command_teardown_plan(&request, &pg, &teardown, &out, err) &&
              write_out(p, &out, err) && drop(p, pg, &teardown, err);
    teardown_clear(&teardown);
    pg_close(&pg);
    out_free(&out);
    return ok;
}
