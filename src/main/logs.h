/* The log on standard error: plain lines for people, or JSON, one object a line, for machines. Plain
 * lines begin with the time where standard error is a file. */
#ifndef MAIN_LOGS_H
#define MAIN_LOGS_H

#include "base/err.h"
#include "runtime/log.h"

/* Whether the log is JSON: by option, or LOG_FORMAT in the environment, or as the protocol has it. */
bool logs_json(const char *option, bool protocol_has);

/* LOG_LEVEL sets how much is logged. `mirror`: see log_new(). */
struct log *logs_new(bool json, bool mirror);

/* Warn if LOG_LEVEL has an unknown value, or LOG_FORMAT has one and no option overrides it. */
void logs_say_ignored(struct log *, const char *option);

/* The last line: the error that ended the command. */
void logs_error(struct log *, bool json, const struct err *);

#endif
