/* What of the environment counts. */
#ifndef MAIN_ENVIRONMENT_H
#define MAIN_ENVIRONMENT_H

/*
 * Take away every PG* variable but PGPASSWORD and PGPASSFILE, so that libpq uses the
 * configuration alone: no other server, user, setting or mode of TLS than it says. Before there is
 * a thread.
 */
void environment_clean(void);

#endif
