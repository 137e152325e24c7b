/* setup-sql: asks the server, as the configured user or as another, and prints. */
#include <string.h>

#include "commands/commands.h"
#include "pg/setup.h"

static bool check_provider(const char *provider, struct err *err)
{
    struct out known;
    bool ok = !provider;
    out_init(&known, 128);
    for (int i = 0; !ok && setup_providers[i]; i++) {
        ok = !strcmp(provider, setup_providers[i]);
        out_format(&known, i ? ", %s" : "%s", setup_providers[i]);
    }
    ok = ok || err_set(err, ERR_CONFIG, "--provider must be one of %s", out_text(&known));
    out_free(&known);
    return ok;
}

/*
 * The configuration for the administrator's session: with a password from PGPASSWORD or PGPASSFILE,
 * and without token or key.
 */
static struct config as_admin(const struct config *config, const char *admin)
{
    struct config other = *config;
    other.user = (char *)admin;
    other.is_admin = true;
    other.password = other.sslcert = other.sslkey = NULL;
    other.credentials = (struct credentials){.auth = AUTH_PASSWORD};
    return other;
}

bool command_setup_sql(const struct request *request, struct out *out, struct err *err)
{
    struct config admin;
    const struct config *config = request->config;
    if (!check_provider(request->provider, err)) {
        return false;
    }
    if (request->admin) {
        admin = as_admin(config, request->admin);
        config = &admin;
    }
    struct setup setup = {request->config, request->catalog, request->provider};
    struct pg *pg = pg_open(config, PG_SQL, "source-postgres setup-sql", request->stop_fd, err);
    bool ok = pg && setup_sql(pg, &setup, out, err);
    pg_close(&pg);
    if (!pg && !ok && err->kind == ERR_CONFIG && !request->admin) {
        err_suffix(err, "; where the user is still to be made, name an administrator with --admin");
    } else if (!pg && !ok && err->kind == ERR_CONFIG) {
        err_suffix(err, "; this is the user that --admin names");
    }
    return ok;
}
