/* The log on standard error: plain lines for people, or JSON, one object a line, for machines. Plain
 * lines begin with the time where standard error is a file. */
#ifndef MAIN_LOGS_H
#define MAIN_LOGS_H

#include "base/err.h"
#include "runtime/log.h"

/* Whether the log is JSON: by option, or LOG_FORMAT in the environment, or as the protocol has it. */
bool logs_json(const char *option, bool protocol_has);

/* How much is logged LOG_LEVEL says. `mirror`: see log_new(). */
struct log *logs_new(bool json, bool mirror);

/* Warn of what LOG_LEVEL has, and LOG_FORMAT where the option does not win, that means nothing. */
void logs_say_ignored(struct log *, const char *option);

/* What ended the command: the last line. */
void logs_error(struct log *, bool json, const struct err *);

#endif
