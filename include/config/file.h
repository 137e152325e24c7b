/* Reading the small files that the command line names. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/out.h"

/* Append all of a file ("-": standard input) to `text`. `what` names it in errors: "config". */
bool file_read(const char *what, const char *path, struct out *text, struct err *);

#endif
